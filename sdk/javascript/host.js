// An owner: creates its room, or owns it by its key, speaks, and comes back by itself. Must not know viewers.

import { addressOf } from "./address.js";
import { course } from "./course.js";
import { ears } from "./ears.js";
import { endOf, failure, ids } from "./failure.js";
import { keeper } from "./keeper.js";
import { outgoing, TIMEOUT_MS } from "./outgoing.js";
import { replay, store } from "./store.js";

/**
 * @typedef {import("./course.js").Status} Status
 * @typedef {import("./ears.js").ListenOptions} ListenOptions
 * @typedef {import("./outgoing.js").PublishOptions} PublishOptions
 * @typedef {import("./store.js").Cursor} Cursor
 * @typedef {import("./viewer.js").AnyMessages} AnyMessages
 */

/**
 * What a viewer says: one signal, or the totals of a key that is counted.
 * @typedef {object} Signal
 * @property {string} key
 * @property {any[]} [params]
 * @property {number} [from] One viewer for as long as its connection lasts.
 * @property {number} [dropped] How many were lost before this one.
 * @property {[params: any[], count: number][]} [counts] The most frequent first.
 * @property {number} [other]
 */

/**
 * How many watch, how many of them are behind, and how far.
 * @typedef {{ viewers: number, lagging: number, behindP95Ms: number }} Audience
 */

/**
 * The server lost acknowledged messages, some or all of them. `reason` is its word for what did not fit the owner's cursor:
 * `epoch`, `future` or `malformed`.
 * @typedef {{ reason: string }} OwnerReset
 */

/**
 * What an owner is told. Any other name is the key of signals; a key with such a name is only heard by `signal`.
 * @typedef {object} HostEvents
 * @property {(signal: Signal) => void} signal
 * @property {(audience: Audience) => void} audience
 * @property {(status: Status) => void} status
 * @property {(reset: OwnerReset) => void} reset The server lost acknowledged messages; `state` holds what the server has. If
 *   nothing listens, as before `host` has resolved after a reload, the first listener gets the newest one at once.
 * @property {(state: ReadonlyMap<string, any[]>) => void} state After each change that is acknowledged.
 */

/**
 * How an owner begins.
 * @typedef {object} Beginning
 * @property {string} [room] A room that is there, to come back to or to take over, with its `ownerKey`.
 * @property {string} [ownerKey]
 * @property {Readonly<Cursor>} [cursor] The `cursor` that an earlier owner of `room` had, where the program keeps it: the
 *   server then tells if it lost a message that was acknowledged up to there. An older one proves less, and nothing false.
 * @property {Pick<Storage, "getItem" | "setItem" | "removeItem">} [storage] Keeps the room, its key and cursor, such as
 *   `sessionStorage`: whoever is there again with it is the owner again. Without it they are in memory only.
 * @property {string} [storageKey] Under which name. Default the server's address behind `rtbroadcaster `.
 * @property {number} [graceMs] How long a new room waits for its owner when it is away, in whole milliseconds, 1 or more. The
 *   server lowers it to its maximum and raises it to its least safe grace. Default the server's.
 * @property {boolean} [audience] Whether viewers are told how many they are.
 * @property {Record<string, { count?: boolean, everyMs?: number, oncePerViewer?: boolean }>} [signals] What is counted.
 */

/** @typedef {import("./course.js").Options & Beginning} HostOptions */

/**
 * @template M
 * @typedef {object} Host
 * @property {string} id The room.
 * @property {string} ownerKey Makes whoever holds it the owner: it belongs in no address and no log.
 * @property {number} term Grows with each change of owner, and each time that this one came back.
 * @property {number | undefined} graceMs How long the room waits for its owner when it is away, in milliseconds; `undefined` if
 *   the server does not tell it.
 * @property {Readonly<Cursor> | undefined} cursor The newest acknowledgement, for a program that keeps the room and its key
 *   itself. A copy, which does not change.
 * @property {Status} status
 * @property {import("./store.js").State<M>} state What holds in the room, as far as it is acknowledged.
 * @property {<N extends string>(name: N, func: N extends keyof HostEvents ? HostEvents[N] : (signal: Signal) => void,
 *   options?: ListenOptions) => () => void} on Calls `func` for an event, or for the signals of a key. The answer ends it.
 * @property {<K extends keyof M & string>(key: K, params: M[K], options?: PublishOptions) => Promise<number | undefined>} publish
 *   Says something, and gives its number when it is safe.
 * @property {(key: keyof M & string, options?: PublishOptions) => Promise<number | undefined>} clear The key holds nothing any more.
 * @property {(options?: { timeoutMs?: number }) => Promise<void>} close Ends the room for everybody, when everything that
 *   was said is safe.
 * @property {() => void} leave Goes without ending the room, which waits for its owner for its grace.
 */

/** The names of `HostEvents`. */
const EVENTS = ["signal", "audience", "status", "reset", "state"];

/** @param {unknown} value @param {number} least */
const isWhole = (value, least) => Number.isSafeInteger(value) && Number(value) >= least;

/**
 * Returns a cursor of its own, or throws if this is none.
 * @param {Readonly<Cursor>} cursor
 * @returns {Cursor}
 */
function copyOf(cursor) {
  const { epoch, seq } = cursor ?? {};
  const isEpoch = typeof epoch === "string" && epoch && new TextEncoder().encode(epoch).length <= 32;
  if (!isEpoch || !isWhole(seq, 0)) throw new TypeError("cursor is { epoch, seq }: 1 to 32 bytes and a whole number, 0 or more");
  return { epoch, seq };
}

/**
 * Owns a room, a new one unless `room` or `storage` name one, and comes back to it by itself.
 * @template {{ [K in keyof M]: any[] }} [M=AnyMessages]
 * @param {string | URL} url Where the server is, such as `/broadcasting` or `wss://example.org/broadcasting`.
 * @param {HostOptions} [options]
 * @returns {Promise<Host<M>>} Rejects with a `Failure`, with the signal's reason, or with a `TypeError` if an option is wrong.
 */
export async function host(url, options = {}) {
  const { storage, audience, signals, token, graceMs } = options;
  if (graceMs !== undefined && !isWhole(graceMs, 1)) {
    throw new TypeError("graceMs is a whole number of milliseconds, 1 or more");
  }
  const kept = keeper(storage, options.storageKey ?? `rtbroadcaster ${addressOf(url)}`, () => ({ room, ownerKey, cursor }));
  const state = store();
  const { on, emit, clear } = ears();
  const nextId = ids();
  let { room = "", ownerKey = "" } = options;
  /** Whether a room that is not there any more is no failure. */
  let mayCreate = !room;
  /** @type {Cursor | undefined} The newest acknowledgement: up to there the server must have every message. */
  let cursor = options.cursor === undefined ? undefined : copyOf(options.cursor);
  if (mayCreate) ({ room = "", ownerKey = "", cursor } = kept.read());
  let entering = "";
  let term = 0;
  /** @type {number | undefined} */
  let grace;
  let isOwner = false;
  let isClosing = false;
  /** @type {{ frame: any, values: ReturnType<typeof replay>, next: Cursor } | undefined} The state on its way, and the cursor behind it. */
  let coming;
  /** @type {string | undefined} The epoch of the state. The cursor's differs if the last replay was cut. */
  let epoch;
  /** @type {OwnerReset | undefined} The newest one, if it came when nothing listened. */
  let unheard;

  /** @param {any} frame @param {Map<string, any>} values @param {Cursor} next */
  function enter(frame, values, next) {
    coming = undefined;
    isOwner = true;
    mayCreate = false;
    term = frame.term;
    grace = frame.graceMs;
    const changes = state.replace(values, frame.seq, frame.epoch === epoch);
    // Without a cursor nothing is known that could be lost.
    const isLoss = cursor && frame.how === "reset";
    cursor = next;
    epoch = next.epoch;
    kept.writeSoon();
    const { reason } = frame;
    if (isLoss && !emit("reset", { reason })) unheard = { reason };
    if (changes.length) emit("state", state.getSnapshot());
  }

  /**
   * Returns the cursor behind the state that `owned` announces.
   * @param {any} frame
   * @returns {Cursor}
   */
  function cursorAfter({ how, epoch, seq }) {
    // A server that sends no `how` has the messages if it has the epoch.
    if (!cursor || (how ? how === "reset" : epoch !== cursor.epoch)) return { epoch, seq };
    // The present cursor, so at once: the server has its message, and calls it so.
    cursor.epoch = epoch;
    return cursor;
  }

  /** Takes the epoch and term of a lease that changed under this connection. @param {any} frame */
  function takeLease(frame) {
    if (coming) {
      coming.next.epoch = frame.epoch;
      coming.frame.term = frame.term;
    } else if (isOwner && cursor) {
      cursor.epoch = epoch = frame.epoch;
      term = frame.term;
      kept.writeSoon();
    }
  }

  /** Ends the room when everything that was said is safe. */
  function closeIfAllIsSafe() {
    if (isClosing && out.isEmpty()) way.send('{"type":"close"}');
  }

  /** @param {any} frame @returns {import("./failure.js").End | void} */
  function hear(frame) {
    switch (frame.type) {
      case "created":
        ({ room, ownerKey } = frame);
        enter(frame, new Map(), { epoch: frame.epoch, seq: frame.seq });
        return kept.write();
      case "owned":
        coming = { frame, values: replay(frame), next: cursorAfter(frame) };
        break;
      case "message":
        if (!coming?.values.take(frame)) return [1006, "protocol"];
        break;
      case "ack":
        if (isOwner && cursor && frame.seq > cursor.seq) {
          cursor.seq = frame.seq;
          kept.writeSoon();
        }
        out.acked(frame.id, frame.seq);
        return closeIfAllIsSafe();
      case "error":
        if (frame.id !== entering) {
          out.refused(frame.id, frame);
          return closeIfAllIsSafe();
        }
        if (frame.code !== "no_room" || !mayCreate || !room) return endOf(frame);
        // The room that was kept has ended: the next attempt, at once, creates another one.
        room = "";
        return [1013, "no_room", 1];
      case "signal":
        emit(`:${frame.key}`, frame);
        return void emit("signal", frame);
      case "audience":
        return void emit("audience", frame);
      case "owner":
        if (frame.epoch) takeLease(frame);
    }
    if (coming?.values.isWhole()) enter(coming.frame, coming.values.values, coming.next);
  }

  const way = course(url, options, {
    enter() {
      entering = nextId();
      if (room) return { type: "own", id: entering, room, ownerKey, cursor, lives: true };
      return { type: "create", id: entering, token, audience, signals, graceMs };
    },
    hear,
    position: () => (isOwner ? "live" : ""),
    cut() {
      isOwner = false;
      coming = undefined;
    },
    tell(status) {
      if (status.name === "live") {
        out.resume();
        closeIfAllIsSafe();
      }
      if (status.name === "closed") out.end(failure(status.reason ?? "closed"));
      emit("status", status);
      if (status.name !== "closed") return;
      kept.flush();
      clear();
    },
  });
  way.listen(globalThis, "pagehide", kept.flush);

  const out = outgoing(way, (message) => {
    // What was said again may be in the state already.
    if (Number(message.seq) > state.seq && state.take(message)) emit("state", state.getSnapshot());
  });

  await way.entered;
  return {
    id: room,
    ownerKey,
    get term() {
      return term;
    },
    get graceMs() {
      return grace;
    },
    get cursor() {
      return cursor && { ...cursor };
    },
    get status() {
      return way.status();
    },
    state: {
      get: state.get,
      getSnapshot: state.getSnapshot,
      subscribe: (func) => on("state", () => func()),
    },
    on(name, func, listening) {
      const isReset = name === "reset";
      const off = on(EVENTS.includes(name) ? name : `:${name}`, func, listening, isReset && unheard ? [[unheard]] : []);
      if (isReset) unheard = undefined;
      return off;
    },
    publish: (key, params, how) => out.say("publish", key, params, how),
    clear: (key, how) => out.say("clear", key, undefined, how),
    close({ timeoutMs = TIMEOUT_MS } = {}) {
      isClosing = true;
      kept.remove();
      out.flush();
      closeIfAllIsSafe();
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(failure("timeout")), timeoutMs);
        const look = () => {
          const { name, code, reason } = way.status();
          if (name !== "closed") return;
          clearTimeout(timer);
          if (code === 1000) resolve();
          else reject(failure(reason ?? name));
        };
        on("status", look);
        look();
      });
    },
    leave() {
      out.flush();
      way.stop(1000, "left");
    },
  };
}
