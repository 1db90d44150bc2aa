// An owner: creates its room, or owns it by its key, speaks, and comes back by itself. Must not know viewers.

import { addressOf } from "./address.js";
import { attempt } from "./attempt.js";
import { course } from "./course.js";
import { ears } from "./ears.js";
import { endOf, failure, quiet } from "./failure.js";
import { LIMITS } from "./grammar.js";
import { isCursor, keeper } from "./keeper.js";
import { isWhole, later } from "./limits.js";
import { outgoing } from "./outgoing.js";
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
 * @property {number} [from] The number of the viewer. It stays the same over the viewer's connections, and over reloads where the
 *   viewer keeps its `identity`.
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

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Kept */

/**
 * How an owner begins.
 * @typedef {object} Beginning
 * @property {string} [room] A room that is there, to come back to or to take over, with its `ownerKey`.
 * @property {string} [ownerKey]
 * @property {Readonly<Cursor>} [cursor] The `cursor` that an earlier owner of `room` had, where the program keeps it: the
 *   server then tells if it lost a message that was acknowledged up to there. An older one proves less, and nothing false.
 * @property {Kept | (() => Kept)} [storage] Keeps the room, its key and cursor, such as
 *   `sessionStorage`, or returns what does, for pages in which a storage may be forbidden: whoever is there again with it is the owner again. Without it they are in memory only.
 * @property {string} [storageKey] Under which name. Default the server's address behind `rtbroadcaster `.
 * @property {boolean} [takeOver] Whether to own the kept room although another window of this browser may hold it, which is then
 *   `elsewhere`. Without it that window keeps it, and this one is `elsewhere` and gets the room when the other is gone.
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
 * @property {Promise<void>} entered Settled when it owns its room for the first time, or never will.
 * @property {() => void} reconnect Tries now to come back, whatever was planned; takes the room back from another window. In the
 *   room it asks whether the connection stands.
 * @property {() => void} leave Goes without ending the room, which waits for its owner for its grace.
 */

/**
 * Returns a cursor of its own, or throws if this is none.
 * @param {Readonly<Cursor> | undefined} cursor
 * @returns {Cursor | undefined}
 */
function copyOf(cursor) {
  if (cursor === undefined) return;
  if (!isCursor(cursor)) throw new TypeError("cursor is { epoch, seq }");
  return { epoch: cursor.epoch, seq: cursor.seq };
}

/**
 * Owns a room, a new one unless `room` or `storage` name one, and comes back to it by itself.
 * @template {{ [K in keyof M]: any[] }} [M=AnyMessages]
 * @param {string | URL} url Where the server is, such as `/broadcasting` or `wss://example.org/broadcasting`.
 * @param {HostOptions} [options]
 * @returns {Promise<Host<M>>} Rejects with a `Failure`, with the signal's reason, or with a `TypeError` if an option is wrong.
 */
export async function host(url, options) {
  const room = /** @type {Host<M>} */ (own(url, options));
  try {
    await room.entered;
  } catch (error) {
    room.leave();
    throw error;
  }
  return room;
}

/**
 * Begins to own a room: as `host`, but the room is there at once, with a status that tells how it goes. Until it is in, its `id`
 * and `ownerKey` may be empty, events fail with `offline`, and values wait.
 * @template {{ [K in keyof M]: any[] }} [M=AnyMessages]
 * @param {string | URL} url
 * @param {HostOptions} [options]
 * @returns {Host<M>} Throws a `TypeError` if an option is wrong.
 */
export function own(url, options = {}) {
  const { audience, signals, token, graceMs, takeOver } = options;
  if (graceMs !== undefined && !isWhole(graceMs, 1)) {
    throw new TypeError("graceMs is a whole number above 0");
  }
  /** @type {any} */
  let storage = options.storage;
  // A page in which storages are blocked may not even name one.
  attempt(() => {
    if (typeof storage === "function") storage = storage();
  });
  const kept = keeper(typeof storage === "function" ? undefined : storage, options.storageKey ?? `rtbroadcaster ${addressOf(url)}`, () => ({ room, ownerKey, cursor }));
  const state = store();
  const { on, emit, clear } = ears();
  /** `cursor` is the newest acknowledgement: up to there the server must have every message. */
  let { room = "", ownerKey = "", cursor } = options.room ? { ...options, cursor: copyOf(options.cursor) } : kept.read();
  /** @type {any} What the server told of the lease: its number and grace. */
  let lease;
  let isOwner = false;
  let isClosing = false;
  let limits = LIMITS;
  let isSpeaking = false;
  /** @type {ReturnType<typeof outgoing>} There as soon as the way is. */
  let out;
  const hadRoom = Boolean(room);
  /** @type {import("./course.js").Status["how"]} */
  let how;
  /** @type {string | undefined} Why acknowledged messages are lost, in this stay. */
  let loss;
  /** @type {import("./store.js").Replay | undefined} The state on its way. */
  let coming;
  /** @type {string | undefined} The epoch of the state. The cursor's differs if the last replay was cut. */
  let epoch;
  /** @type {[OwnerReset][]} The newest one, if it came when nothing listened. */
  const unheard = [];

  /** @param {import("./store.js").Replay} came */
  function enter(came) {
    const { frame, next } = came;
    coming = undefined;
    isOwner = true;
    lease = frame;
    const changes = state.replace(came, frame.epoch === epoch);
    // Without a cursor nothing is known that could be lost.
    const isLoss = cursor && frame.how === "reset";
    loss = isLoss ? frame.reason : undefined;
    cursor = next;
    epoch = next.epoch;
    kept.writeSoon();
    if (isLoss && !emit("reset", frame)) unheard[0] = [frame];
    if (changes.length) emit("state");
  }

  /** Takes the epoch and term of a lease that changed under this connection. @param {any} frame */
  function takeLease(frame) {
    if (coming) {
      coming.next.epoch = frame.epoch;
      coming.frame.term = frame.term;
    } else if (isOwner && cursor) {
      cursor.epoch = epoch = frame.epoch;
      lease.term = frame.term;
      kept.writeSoon();
    }
  }

  /** Ends the room when everything that was said is safe. */
  function closeIfAllIsSafe() {
    if (isClosing && out.isEmpty()) way.send('{"type":"close"}');
  }

  /** @param {any} frame @returns {string | void} */
  function hear(frame) {
    limits = frame.limits ?? limits;
    switch (frame.type) {
      case "created":
        // An owner that has a room asked for no other one.
        if (room || !frame.room) return "protocol";
        ({ room, ownerKey } = frame);
        how = hadRoom ? "replaced" : "created";
        cursor = undefined;
        enter(replay(frame));
        void guard?.then(({ hold }) => hold(room), () => {});
        return kept.write();
      case "owned":
        if (!room) return "protocol";
        how ??= "found";
        coming = replay(frame);
        // A server that sends no `how` has the messages if it has the epoch.
        if (cursor && (frame.how ? frame.how !== "reset" : frame.epoch === cursor.epoch)) {
          // At once: it has the message of the present cursor, and calls it so.
          cursor.epoch = frame.epoch;
          coming.next = cursor;
        }
        break;
      case "message":
        if (!coming?.take(frame)) return "protocol";
        break;
      case "ack":
        if (isOwner && cursor && frame.seq > cursor.seq) {
          cursor.seq = frame.seq;
          kept.writeSoon();
        }
        out.acked(frame.id, frame.seq);
        break;
      case "error":
        out.refused(frame.id, frame);
        break;
      case "signal":
        emit(`:${frame.key}`, frame);
      // falls through
      case "audience":
        emit(frame.type, frame);
        break;
      case "owner":
        if (frame.epoch) takeLease(frame);
    }
    if (coming && !coming.left) enter(coming);
    closeIfAllIsSafe();
  }

  // A window that has the key may be the copy of one that owns the room, which would be thrown out. A page that is loaded again
  // is no copy.
  const left = new AbortController();
  const guard = storage && !options.room && globalThis.document
    ? import("./windows.js").then(({ windows }) => windows({
      free: () => way.again(),
      back: () => isHidden && way.again(),
      taken: (reason) => /^(elsewhere|closed)$/.test(way.status().name) || way.rest(reason),
      signal: left.signal,
    }))
    : undefined;
  let isHolding = () => false;
  /** Whether the page was left while this window held the room, and owned it as far as it knew. */
  let isHidden = false;
  guard?.then((one) => (isHolding = one.isHolding), () => {});
  const isSame = takeOver || /^(reload|back_forward)$/.test(/** @type {any} */ (performance.getEntriesByType?.("navigation")[0])?.type);
  const isHeld = Boolean(guard && room && !isSame);
  guard?.then(async ({ ask, hold }) => {
    if (!room) return;
    if (!isHeld) hold(room);
    else if (await ask(room)) way.again();
    else way.rest("in_use");
  }).catch(() => isHeld && way.again());

  const way = course(url, options, {
    enter: () =>
      room ? { type: "own", room, ownerKey, cursor, lives: true } : { type: "create", token, audience, signals, graceMs },
    refused(frame) {
      if (!/^(no_room|bad_message)$/.test(frame.code) || options.room || lease || !room) return endOf(frame);
      // The room that was kept has ended: another one is created.
      room = "";
    },
    hear,
    size: () => Math.max(state.size, coming?.size ?? 0),
    position: () => (isOwner ? "live" : ""),
    more: () => ({ how, ...(loss && { reset: loss }) }),
    cut() {
      isOwner = false;
      coming = undefined;
      out?.cut();
    },
    hide() {
      out.flush();
      kept.flush();
      isHidden = isHolding() && way.status().name !== "elsewhere";
      return isHidden;
    },
    tell(status) {
      if (isOwner && !isSpeaking) {
        out.resume();
        closeIfAllIsSafe();
      }
      isSpeaking = isOwner;
      if (/^(elsewhere|closed)$/.test(status.name)) out.end(failure(status.reason));
      emit("status", status);
      if (status.name !== "closed") return;
      // The key is worth keeping until the room is over for certain.
      if (isClosing && /^(room_closed|no_room)$/.test(status.reason ?? "")) kept.remove();
      kept.flush();
      left.abort();
      void guard?.then(({ release }) => release(), () => {});
      clear();
    },
  }, isHeld);
  way.listen(globalThis.document, "visibilitychange", () => globalThis.document.hidden && out.flush());

  out = outgoing(way, () => limits, (message) => {
    // What was said again may be in the state already.
    if (message.seq > state.seq && state.take(message)) emit("state");
  });

  return {
    get id() {
      return room;
    },
    get ownerKey() {
      return ownerKey;
    },
    entered: way.entered,
    get term() {
      return lease?.term;
    },
    get graceMs() {
      return lease?.graceMs;
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
    on(name, /** @type {any} */ func, listening) {
      if (name === "state") return on(name, () => func(state.getSnapshot()), listening);
      if (name === "reset") return on(name, func, listening, unheard);
      // The other names of `HostEvents`; any other one is a key.
      return on(/^(signal|audience|status)$/.test(name) ? name : `:${name}`, func, listening);
    },
    publish: (key, params, how) => out.say("publish", key, params, how),
    clear: (key, how) => out.say("clear", key, undefined, how),
    close({ timeoutMs = out.timeout() } = {}) {
      isClosing = true;
      out.flush();
      closeIfAllIsSafe();
      return quiet(new Promise((resolve, reject) => {
        const timer = later(() => reject(failure("timeout")), timeoutMs);
        /** @param {Status} status */
        const look = ({ name, code, reason }) => {
          if (!/^(elsewhere|closed)$/.test(name)) return;
          clearTimeout(timer);
          if (code === 1000) resolve();
          else reject(failure(reason));
        };
        on("status", look);
        look(way.status());
      }));
    },
    reconnect() {
      if (way.status().name === "elsewhere") void guard?.then(({ hold }) => hold(room), () => {});
      way.again();
    },
    leave() {
      out.flush();
      way.stop();
    },
  };
}
