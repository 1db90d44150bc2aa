// An owner on a clock and a scripted server, for the tests of owners.

import { host } from "../index.js";
import { Clock } from "./clock.mjs";
import { Server } from "./script.mjs";

export const URL = "ws://example.org/b";

/** A storage whose contents a test can read. */
export class Kept extends Map {
  getItem = (name) => this.get(name) ?? null;
  setItem = (name, value) => this.set(name, value);
  removeItem = (name) => this.delete(name);
}

/** Returns an owner that has just created its room, on a clock; `created` has these additional members. */
export async function owner(t, options = {}, created = {}) {
  const clock = new Clock(t);
  const server = new Server();
  const hosting = host(URL, { WebSocket: server.WebSocket, reconnect: { random: () => 0.5 }, ...options });
  const peer = server.accept(1);
  const create = peer.creates(created);
  const room = await hosting;
  t.after(() => room.leave());
  return { clock, server, peer, create, room };
}

/** Returns the outcome of a promise, in one word or number. */
export const outcome = (promise) => promise.then((seq) => seq, (error) => (typeof error.code === "string" ? error.code : error.name));

/** Returns the sent frames, without ids. */
export const said = (peer) => peer.rest().map(({ type, key, params, state }) => `${type} ${key} ${JSON.stringify(params ?? "")}${state ? " state" : ""}`);
