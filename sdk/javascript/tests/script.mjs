// A server that a test scripts, on simulated sockets. Must not know owners or viewers.

import assert from "node:assert/strict";
import { FakeSocket } from "./fake-socket.mjs";

export const ROOM = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a";
export const KEY = "0123456789abcdef".repeat(4);

/** A test's own socket class, and its connections. */
export class Server {
  peers = [];

  constructor() {
    const { peers } = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url, protocol) {
        super(url);
        this.protocol = protocol;
        peers.push(new Peer(this));
      }
    };
  }

  /** Returns the newest connection. */
  get peer() {
    return this.peers.at(-1);
  }

  /** Returns the next connection, the `count`-th of all, which must exist, and opens it. */
  accept(count = this.peers.length) {
    assert.equal(this.peers.length, count, "connections");
    this.peer.socket.open();
    return this.peer;
  }
}

/** One connection. */
export class Peer {
  #read = 0;

  constructor(socket) {
    this.socket = socket;
  }

  /** Returns the next received frame, which must exist. */
  asked() {
    assert.ok(this.#read < this.socket.sent.length, "nothing was asked");
    return JSON.parse(this.socket.sent[this.#read++]);
  }

  /** Returns all received frames that were not taken. */
  rest() {
    const rest = this.socket.sent.slice(this.#read).map((text) => JSON.parse(text));
    this.#read = this.socket.sent.length;
    return rest;
  }

  says(...frames) {
    for (const frame of frames) this.socket.deliver(JSON.stringify(frame));
  }

  /** Answers a join, which it returns, with these additional members. */
  joins(members = {}, type = "join") {
    const join = this.asked();
    assert.equal(join.type, type);
    this.says({ ...JOINED, id: join.id, ...members });
    return join;
  }

  /** Answers `create`, which it returns, with these additional members. */
  creates(members = {}) {
    const create = this.asked();
    assert.equal(create.type, "create");
    this.says({ type: "created", id: create.id, room: ROOM, ownerKey: KEY, epoch: "e", term: 1, seq: 0, aliveMs: 25_000, ...members });
    return create;
  }

  /** Answers `own` with the room at `seq` and this state, as servers without lives did. */
  owns(term = 2, seq = 0, ...state) {
    return this.owned({ term, seq }, ...state);
  }

  /** Answers `own`, which it returns, with these additional members and this state. */
  owned(members = {}, ...state) {
    const own = this.asked();
    assert.equal(own.type, "own");
    this.says({ type: "owned", id: own.id, room: ROOM, epoch: "e", term: 2, seq: 0, replay: state.length, aliveMs: 25_000, ...members }, ...state);
    return own;
  }

  /** Acknowledges the next message, and returns it. */
  acks(seq) {
    const asked = this.asked();
    this.says({ type: "ack", id: asked.id, seq });
    return asked;
  }

  cuts(code = 1006, reason = "") {
    this.socket.end(code, reason);
  }
}

const JOINED = { type: "joined", room: ROOM, epoch: "e", term: 1, seq: 0, how: "snapshot", replay: 0, owner: "live", aliveMs: 25_000 };

/** Returns a value of the state. */
export const state = (seq, key, ...params) => ({ type: "message", seq, key, params: params.length ? params : [seq], state: true });

/** Returns an event. */
export const bell = (seq) => ({ type: "message", seq, key: "bell", params: [seq] });
