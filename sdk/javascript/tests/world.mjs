// A machine, a network and a server in virtual time, for runs in which pages are hidden, machines sleep and networks fail. Must not
// know the SDK, except for the module that it loads on demand.

import { load } from "../lazy.js";
import { BrowserTarget } from "./browser-target.mjs";

// Loaded now: the virtual time stands still while a file is loaded.
await load();

export const LIMITS = { messageBytes: 65_536, keyBytes: 256, idBytes: 64, depth: 32, signalBytes: 4_096, signalsPerSecond: 5 };
export const ROOM = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a";

/** Returns numbers from 0 to 1 that a seed determines (mulberry32). */
export function randomOf(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Advances the time, and lets promises settle. */
export async function advance(world, ms) {
  for (let left = ms; left > 0; left -= 1_000) {
    world.run(Math.min(left, 1_000));
    for (let turn = 0; turn < 4; turn++) await null;
  }
}

/** One machine and what it can reach. It replaces the page's clocks, timers and document. */
export class World {
  now = 0;
  isHidden = false;
  isAsleep = false;
  isOnline = true;
  /** Whether each attempt to connect fails at once. */
  isRefusing = false;
  /** When the network last changed. */
  changedAt = -Infinity;
  connections = [];
  /** How long the monotonic clock stood still, if it does so in sleep. */
  #lost = 0;
  #events = [];
  #timers = new Map();
  #count = 0;
  #inbox = [];

  /**
   * `settings`: latencyMs, bytesPerMs, kernelBytes (what the system takes of a socket at once), throttleMs (to which hidden timers are
   * rounded), isMonotonicStopped.
   */
  constructor(settings) {
    this.settings = settings;
    const page = new BrowserTarget();
    const target = new BrowserTarget();
    this.page = Object.defineProperty(page, "hidden", { get: () => this.isHidden });
    this.window = target;
    const replaced = {
      document: page,
      addEventListener: target.addEventListener.bind(target),
      setTimeout: (func, ms = 0) => (this.#timers.set(++this.#count, { func, at: this.#monotonic() + Math.max(0, ms) }), this.#count),
      clearTimeout: (id) => void this.#timers.delete(id),
      requestAnimationFrame: undefined,
    };
    this.restore = [];
    const put = (owner, name, value) => {
      const before = Object.getOwnPropertyDescriptor(owner, name);
      Object.defineProperty(owner, name, { value, configurable: true, writable: true });
      this.restore.push(() => (before ? Object.defineProperty(owner, name, before) : delete owner[name]));
    };
    for (const [name, value] of Object.entries(replaced)) put(globalThis, name, value);
    put(performance, "now", () => this.#monotonic());
    put(Date, "now", () => 1_700_000_000_000 + this.now);
  }

  end() {
    for (const back of this.restore) back();
  }

  #monotonic = () => this.now - this.#lost;

  /** Does something later, also while the machine sleeps. */
  later(ms, func) {
    this.#events.push({ at: this.now + ms, func });
  }

  /** Returns when a timer fires: a hidden page's times are rounded up. */
  #fires({ at }) {
    if (this.isAsleep) return Infinity;
    const due = Math.max(this.now, at + this.#lost);
    const { throttleMs } = this.settings;
    return this.isHidden ? Math.ceil(due / throttleMs) * throttleMs : due;
  }

  /** Advances the time. */
  run(ms) {
    const end = this.now + ms;
    for (;;) {
      const event = this.#events.reduce((first, one) => (!first || one.at < first.at ? one : first), undefined);
      let timer;
      for (const entry of this.#timers) {
        const at = this.#fires(entry[1]);
        if (!timer || at < timer.at) timer = { at, id: entry[0], func: entry[1].func };
      }
      const next = event && (!timer || event.at <= timer.at) ? event : timer;
      if (!next || next.at > end) break;
      this.#pass(next.at);
      if (next === event) this.#events.splice(this.#events.indexOf(event), 1);
      else this.#timers.delete(timer.id);
      next.func();
    }
    this.#pass(end);
  }

  #pass(to) {
    if (this.isAsleep && this.settings.isMonotonicStopped) this.#lost += to - this.now;
    this.now = to;
  }

  /** Delivers something to the page; a sleeping machine delivers it when it wakes. */
  reach(func) {
    if (this.isAsleep) this.#inbox.push(func);
    else func();
  }

  hide(isHidden) {
    this.isHidden = isHidden;
    this.page.dispatchEvent(new Event("visibilitychange"));
  }

  sleep() {
    this.isAsleep = true;
  }

  wake() {
    this.isAsleep = false;
    // Before the due timers, or after them.
    const ms = Math.floor(this.now) % 2;
    for (const func of this.#inbox.splice(0)) this.later(ms, func);
  }

  /** Connects or disconnects the network, with or without an event of the browser. */
  network(isOnline, isNoticed) {
    this.isOnline = isOnline;
    this.changedAt = this.now;
    // Bytes that were under way come again, as with TCP.
    if (isOnline) for (const connection of this.connections) connection.recover();
    if (isNoticed) this.window.dispatchEvent(new Event(isOnline ? "online" : "offline"));
  }

  /** Makes the newest connection lose all bytes in one direction, or both, for good. */
  darken(up, down) {
    const connection = this.connections.at(-1);
    if (!connection) return;
    connection.isUpDark ||= up;
    connection.isDownDark ||= down;
  }

  /** The class of sockets to `server`. */
  socketTo(server) {
    const world = this;
    return class Socket {
      readyState = 0;
      protocol = "rtbroadcaster.v2";
      constructor() {
        this.link = new Connection(world, server, this);
        world.connections.push(this.link);
        if (world.isRefusing) this.link.reset();
      }
      get bufferedAmount() {
        return this.link.waiting;
      }
      send(text) {
        if (this.readyState === 1) this.link.up(text);
      }
      close() {
        this.readyState = 3;
        this.link.close();
      }
    };
  }
}

/** One connection of the machine to the server. */
class Connection {
  isUpDark = false;
  isDownDark = false;
  isOpen = false;
  isClosed = false;
  /** The newest ping of the page, until its answer comes. */
  probe;
  #free = { up: 0, down: 0 };
  #stuck = [];

  constructor(world, server, socket) {
    Object.assign(this, { world, server, socket, begunAt: world.now });
    this.#travel("up", 0, () => this.#travel("down", 0, () => world.reach(() => {
      if (this.isClosed) return;
      this.isOpen = true;
      socket.readyState = 1;
      socket.onopen?.({});
    })));
  }

  get isDark() {
    return this.isUpDark || this.isDownDark;
  }

  /** Whether it has worked for a while. */
  get isHealthy() {
    return !this.isDark && this.world.isOnline && this.world.now - this.world.changedAt > 10_000;
  }

  /** The unsent bytes that the page sees: without those that the system has taken. */
  get waiting() {
    const { bytesPerMs, kernelBytes = 0 } = this.world.settings;
    return Math.max(0, Math.round((this.#free.up - this.world.now) * bytesPerMs) - kernelBytes) || 0;
  }

  #travel(way, bytes, arrive) {
    const { world } = this;
    const { latencyMs, bytesPerMs } = world.settings;
    const begin = Math.max(world.now, this.#free[way]);
    this.#free[way] = begin + bytes / bytesPerMs;
    const come = () => {
      if (way === "up" ? this.isUpDark : this.isDownDark) return;
      if (world.isOnline) arrive();
      else this.#stuck.push(come);
    };
    world.later(this.#free[way] - world.now + latencyMs, come);
  }

  recover() {
    for (const come of this.#stuck.splice(0)) this.world.later(200, come);
  }

  up(text) {
    const frame = JSON.parse(text);
    if (frame.type === "ping") this.probe = frame.id;
    this.#travel("up", text.length, () => this.server.hear(this, frame));
  }

  down(frame) {
    const text = JSON.stringify(frame);
    this.#travel("down", text.length, () => this.world.reach(() => {
      if (frame.id === this.probe) this.probe = undefined;
      if (!this.isClosed) this.socket.onmessage?.({ data: text });
    }));
  }

  /** Closes it by the server. */
  end(code) {
    this.server.gone(this);
    this.#travel("down", 0, () => this.world.reach(() => this.isClosed || this.socket.onclose?.({ code, reason: "silent" })));
  }

  /** Closes it by the network, which both sides notice. */
  reset() {
    this.isUpDark = this.isDownDark = true;
    this.server.gone(this);
    this.world.later(1, () => this.isClosed || this.socket.onclose?.({ code: 1006, reason: "" }));
  }

  close() {
    this.isClosed = true;
    this.server.gone(this);
  }
}

/** A server with one room, as far as these runs need one. */
export class RoomServer {
  log = [];
  #ids = new Map();
  #members = new Map();

  constructor(world, nextMs) {
    Object.assign(this, { world, nextMs });
  }

  hear(connection, frame) {
    const answer = { id: frame.id, room: ROOM, epoch: "e", term: 1, seq: this.log.length, aliveMs: this.nextMs, nextMs: this.nextMs, limits: LIMITS };
    const replay = (after) => this.log.slice(after).forEach((message) => connection.down(message));
    const { type } = frame;
    // Frames that were under way when the connection ended arrive, and get no answer.
    if (connection.isClosed && type !== "publish") return;
    if (/pause$/.test(type) && !this.#members.has(connection)) return;
    if (type === "ping") connection.down({ type: "pong", id: frame.id, seq: this.log.length });
    if (type === "create") connection.down({ type: "created", ...answer, ownerKey: "k", graceMs: 300_000 });
    if (type === "own") connection.down({ type: "owned", ...answer, how: "resumed", replay: 0 });
    if (type === "join" || type === "unpause") {
      const from = type === "join" ? frame.cursor?.seq : this.#members.get(connection).pausedAt;
      connection.down({ type: "joined", ...answer, how: from === undefined ? "snapshot" : "resumed", replay: from === undefined ? 1 : this.log.length - from, owner: "live" });
      if (from === undefined) connection.down(this.log[0]);
      else replay(from);
    }
    if (/^(create|own|join)$/.test(type)) {
      this.#members.set(connection, { isViewer: type === "join" });
      this.#beat(connection);
    }
    if (type === "pause") this.#members.get(connection).pausedAt = this.log.length;
    if (type === "unpause") this.#members.get(connection).pausedAt = undefined;
    if (type === "publish") {
      if (!this.#ids.has(frame.id)) this.#ids.set(frame.id, this.say(frame.key, frame.params));
      connection.down({ type: "ack", id: frame.id, seq: this.#ids.get(frame.id) });
    }
  }

  /** Appends a message and sends it to all viewers. */
  say(key, params) {
    const message = { type: "message", seq: this.log.length + 1, key, params };
    this.log.push(message);
    for (const [connection, { isViewer, pausedAt }] of this.#members) if (isViewer && pausedAt === undefined) connection.down(message);
    return message.seq;
  }

  #beat(connection) {
    this.world.later(this.nextMs, () => {
      const member = this.#members.get(connection);
      if (!member) return;
      // The server has received nothing from this client for too long, and closes the connection.
      if (connection.isUpDark && (member.missed = (member.missed ?? 0) + 1) > 2) return connection.end(4012);
      connection.down({ type: "alive", seq: this.log.length, nextMs: this.nextMs });
      this.#beat(connection);
    });
  }

  gone(connection) {
    this.#members.delete(connection);
  }
}
