// Why there is no connection, as far as browsers allow.

import assert from "node:assert/strict";
import { test } from "node:test";
import { healthOf, hint } from "../hints.js";

/** Returns a browser that shows a page of this address and has these permissions. */
function browser(t, { page = "https://app.example/", permissions = {}, onLine = true, answers = false }) {
  const query = async ({ name }) => {
    if (!(name in permissions)) throw new TypeError("no such permission");
    return { state: permissions[name] };
  };
  const globals = { location: new URL(page), navigator: { onLine, permissions: { query } }, fetch: async () => { if (!answers) throw new TypeError("Failed to fetch"); } };
  for (const [name, value] of Object.entries(globals)) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true });
    t.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]));
  }
}

const LAN = "wss://192.168.1.20:8080/broadcasting";
const OWN = "ws://localhost:8080/broadcasting";

for (const [what, { url = LAN, reason = "lost", ...known }, name] of [
  ["no network", { onLine: false }, "offline"],
  ["something answers", { answers: true }, "refused"],
  ["something answers too late", { answers: true, reason: "silent" }, "timeout"],
  ["nothing answers", {}, "unreachable"],
  ["the local network is forbidden", { permissions: { "local-network": "denied" } }, "permission"],
  ["the question is open", { permissions: { "local-network": "prompt" } }, "permission"],
  ["an older browser forbids it", { permissions: { "local-network-access": "denied" } }, "permission"],
  ["it is allowed", { permissions: { "local-network": "granted", "local-network-access": "denied" } }, "unreachable"],
  ["this machine is forbidden", { url: OWN, permissions: { "loopback-network": "denied", "local-network": "granted" } }, "permission"],
  ["a name that may be a local one is forbidden", { url: "wss://lan.example/b", permissions: { "local-network": "denied" } }, "permission"],
  ["nothing was asked for a name", { url: "wss://lan.example/b", permissions: { "local-network": "prompt" } }, "unreachable"],
  ["a page of the same network", { page: "http://10.0.0.7/", permissions: { "local-network": "prompt" } }, "unreachable"],
  ["a page of this machine", { page: "http://localhost:3000/", permissions: { "local-network": "denied" } }, "unreachable"],
]) {
  test(`${what}: ${name}`, async (t) => {
    browser(t, known);
    assert.deepEqual(await hint(url, { reason }), { name, health: healthOf(url) });
  });
}
