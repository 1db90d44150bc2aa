// A server with one room in memory, which can do to viewers whatever PROTOCOL.md allows. Must not know the viewers.

import { FakeSocket } from "./fake-socket.mjs";

export const LIMITS = { messageBytes: 65_536, keyBytes: 256, idBytes: 64, depth: 32, signalBytes: 4_096, signalsPerSecond: 5 };

const text = (frame) => JSON.stringify(frame);

export class Room {
  id = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a";
  /** All published messages, in order; the message with number n is at n - 1. */
  log = [];
  epoch = "n-1";
  term = 1;
  owner = "live";
  /** The lowest cursor from which a viewer can resume. */
  floor = 0;
  /** The epochs that it knows, each with its last number. */
  lives = new Map();
  members = new Set();
  /** The number of all connections. */
  count = 0;
  /** Each join and unpause that was received. */
  asked = [];
  signals = [];
  /** Whether it accepts connections, and whether it answers pings. */
  isRefusing = false;
  isSilent = false;
  /** The code with which each signal is refused, if any. */
  refusal;
  /** The error with which each join is refused, if any. */
  refusedJoin;
  aliveMs = 25_000;
  #numbers = 0;

  constructor() {
    const room = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url, protocol) {
        super(url);
        this.protocol = protocol;
        room.count += 1;
        this.member = { socket: this, state: "new", held: undefined };
        queueMicrotask(() => {
          if (this.readyState) return;
          if (room.isRefusing) return this.end(1006);
          room.members.add(this.member);
          this.open();
        });
      }
      send(text) {
        super.send(text);
        const frame = JSON.parse(text);
        // As over a network: the answer never comes within the call.
        queueMicrotask(() => this.readyState === 1 && room.#hear(this.member, frame));
      }
      close(code) {
        super.close(code);
        room.members.delete(this.member);
      }
    };
  }

  get seq() {
    return this.log.length;
  }

  /** The newest value of each key, in the order of last change. */
  get state() {
    const values = new Map();
    for (const message of this.log) {
      if (message.state || message.cleared) values.delete(message.key);
      if (message.state) values.set(message.key, message);
    }
    return values;
  }

  #hear(member, frame) {
    const { type, id } = frame;
    const say = (...frames) => this.#say(member, ...frames);
    if (type === "join" || type === "unpause") {
      this.asked.push(frame);
      if (this.refusedJoin) return say({ type: "error", id, ...this.refusedJoin });
      const cursor = type === "join" ? frame.cursor : member.place;
      member.state = "in";
      member.viewer ??= frame.viewer ?? `key-${++this.#numbers}`;
      const reason = cursor && this.#wrong(cursor, frame.lives || type === "unpause");
      const replay = !cursor || reason ? [...this.state.values()] : this.log.slice(cursor.seq);
      const { epoch, term, seq, owner, aliveMs } = this;
      const how = !cursor ? "snapshot" : reason ? "reset" : "resumed";
      const viewer = { number: Number(member.viewer.slice(4)) || 1, key: member.viewer };
      const awayMs = owner === "away" ? 1_000 : undefined;
      say({ type: "joined", id, room: this.id, epoch, term, seq, how, reason, replay: replay.length, owner, awayMs, aliveMs, nextMs: aliveMs || undefined, limits: LIMITS, viewer }, ...replay);
      if (this.viewers !== undefined) say({ type: "audience", viewers: this.viewers });
    }
    if (type === "pause") [member.state, member.place] = ["paused", { epoch: this.epoch, seq: this.seq }];
    if (type === "ping" && !this.isSilent) say({ type: "pong", id, seq: this.seq });
    if (type === "signal") {
      if (this.refusal) say({ type: "error", code: this.refusal, message: "no" });
      else this.signals.push([frame.key, ...frame.params]);
    }
    if (type === "leave") {
      say({ type: "closed", reason: "left" });
      this.#end(member, 1000, "left");
    }
  }

  /** Returns why a cursor cannot be resumed, or nothing if it can. */
  #wrong({ epoch, seq }, knowsLives) {
    const last = epoch === this.epoch ? this.seq : this.lives.get(epoch);
    if (last === undefined || (epoch !== this.epoch && (seq > last || !knowsLives))) return "epoch";
    if (seq > last) return "future";
    return seq < this.floor ? "retention" : undefined;
  }

  #say(member, ...frames) {
    for (const frame of frames) if (member.socket.readyState === 1) member.socket.deliver(text(frame));
  }

  #end(member, code, reason) {
    this.members.delete(member);
    member.socket.end(code, reason);
  }

  /** Sends something to all viewers that are in the room and not paused. */
  tell(...frames) {
    for (const member of this.members) if (member.state === "in") this.#say(member, ...frames);
  }

  /** Publishes a message of the owner. */
  say(key, params, kind = {}) {
    const message = { type: "message", seq: this.seq + 1, key, params, ...kind };
    this.log.push(message);
    for (const member of this.members) {
      if (member.held) member.held.push(message);
      else if (member.state === "in") this.#say(member, message);
    }
  }

  ephemeral(key, params) {
    this.tell({ type: "message", key, params });
  }

  alive() {
    for (const member of this.members) if (member.state !== "new" && !member.held) this.#say(member, { type: "alive", seq: this.seq, nextMs: this.aliveMs });
  }

  away(isAway) {
    this.owner = isAway ? "away" : "live";
    this.tell({ type: "owner", status: this.owner, term: this.term, awayMs: isAway ? 0 : undefined });
  }

  /** Stops all viewers from taking frames, until `release`. */
  hold() {
    for (const member of this.members) if (member.state === "in") member.held ??= [];
  }

  /** Sends waiting viewers their frames. Each value that is not the newest of its key was superseded; events are never dropped. */
  release() {
    for (const member of this.members) {
      const held = member.held ?? [];
      member.held = undefined;
      if (member.state !== "in") continue;
      const superseded = (message, at) => (message.state || message.cleared) && held.slice(at + 1).some(({ key, state, cleared }) => key === message.key && (state || cleared));
      const kept = held.filter((message, at) => !superseded(message, at));
      const until = held.at(-1)?.seq;
      let last = held[0]?.seq - 1;
      for (const message of kept) {
        if (message.seq > last + 1) this.#say(member, { type: "skipped", through: message.seq - 1, until });
        this.#say(member, message);
        last = message.seq;
      }
    }
  }

  /** Drops the events of waiting viewers, and sends them the state. */
  slow() {
    const { epoch, term, seq, owner } = this;
    for (const member of this.members) {
      if (member.state !== "in") continue;
      member.held = undefined;
      const replay = [...this.state.values()];
      this.#say(member, { type: "reset", reason: "slow", epoch, term, seq, replay: replay.length, owner }, ...replay);
    }
  }

  /** Drops every connection. */
  cut(code = 1006, reason = "") {
    for (const member of [...this.members]) this.#end(member, code, reason);
  }

  /** Becomes another server, which has the messages up to `seq`; with `numbering` the room has another numbering too. */
  restart(seq = this.seq, numbering) {
    if (numbering) this.lives.clear();
    else {
      for (const [epoch, last] of this.lives) this.lives.set(epoch, Math.min(last, seq));
      this.lives.set(this.epoch, seq);
    }
    this.log.length = seq;
    this.epoch = `n-${Math.random()}`;
    this.floor = numbering ? seq : Math.min(this.floor, seq);
    this.cut(1012, "restart");
  }

  end(why = "owner") {
    for (const member of [...this.members]) {
      this.#say(member, { type: "closed", reason: "room_closed", why });
      this.#end(member, 4503, "room_closed");
    }
    this.isRefusing = true;
  }
}
