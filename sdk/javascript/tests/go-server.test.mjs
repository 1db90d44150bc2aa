// Against a server that behaves like the Go library of 2016: it joins queued messages in one frame, separated by newlines,
// says "Connected", and sends live messages before a late viewer's state.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { RTBroadcaster } from "../rtbroadcaster.js";
import { Witness } from "./witness.mjs";

const ROOM = "0c9c2f9e-6f04-4c0e-8d0a-6c43c2f4c2bb";

const said = (key, params, isState) =>
  JSON.stringify({ uuid: ROOM, status: { value: 3, text: "Connected" }, funcKey: key, funcParams: params, stateMessage: isState });

/** Starts the server with its answers to each client's first message. */
async function goServer(t, answer) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const heard = new Witness();
  server.on("connection", (socket) => {
    socket.on("message", (bytes) => {
      heard.see(bytes.toString());
      const { status } = JSON.parse(bytes.toString());
      if (status.value < 3) socket.send(answer(status.value));
    });
  });
  await new Promise((listening) => server.once("listening", listening));
  return { address: `ws://127.0.0.1:${server.address().port}/broadcasting`, heard };
}

test("an owner opens its room and speaks", async (t) => {
  const { address, heard } = await goServer(t, () => said("", [], false));
  const seen = new Witness();
  const owner = new RTBroadcaster(address, (uuid) => seen.see(`connection ${uuid}`), { WebSocket, uuid: "" });
  t.after(() => owner.close());
  await seen.sees(`connection ${ROOM}`);
  assert.ok(owner.isOwner && owner.connected);
  assert.ok(owner.sendAction("slide", ["3"], true));
  await heard.until((lines) => lines.some((line) => line.includes('"funcKey":"slide","funcParams":["3"],"stateMessage":true')), "waiting for the action");
});

test("messages glued into one frame are all taken, in order", async (t) => {
  const frame = [said("pointer", ["1", "2"], false), said("", [], false), said("slide", ["3"], true), said("unknown", [], false), said("slide", ["4"], true)];
  const { address } = await goServer(t, () => frame.join("\n"));
  const seen = new Witness();
  const viewer = new RTBroadcaster(address, (uuid) => seen.see(`connection ${uuid}`), { WebSocket, uuid: ROOM });
  t.after(() => viewer.close());
  viewer.subscribe("pointer", (params) => seen.see(`pointer ${params}`));
  viewer.subscribe("slide", (params) => seen.see(`slide ${params}`));
  await seen.sees("slide 4");
  assert.deepEqual(seen.lines, [`connection ${ROOM}`, "pointer 1,2", "slide 3", "slide 4"]);
});
