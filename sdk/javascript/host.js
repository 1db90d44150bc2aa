// An owner: creates its room, or owns an existing one by its key, publishes, and reconnects by itself. Must not know viewers.

import { knownAddressOf } from "./address.js";
import { callSafely } from "./safe-call.js";
import { reconnecting } from "./reconnect.js";
import { listeners, valueOf } from "./listeners.js";
import { entering, isAborted } from "./entering.js";
import { badArgument, endOf, failure, quiet } from "./failure.js";
import { LIMITS } from "./validation.js";
import { isCursor, roomStorage } from "./room-storage.js";
import { loaded } from "./lazy.js";
import { isTime, isWhole, setTimer } from "./limits.js";
import { outgoing } from "./outgoing.js";
import { replay, store, tellChanges } from "./store.js";

/**
 * @typedef {import("./owner.js").Audience} Audience
 * @typedef {import("./owner.js").HostOptions} HostOptions
 * @typedef {import("./owner.js").OwnerReset} OwnerReset
 * @typedef {import("./messages.js").AnyMessages} AnyMessages
 * @typedef {import("./listeners.js").ListenOptions} ListenOptions
 * @typedef {import("./outgoing.js").PublishOptions} PublishOptions
 */

/** @template M @typedef {import("./owner.js").Host<M>} Host */

/**
 * Creates a room, or owns the existing one that `room` or `storage` name, and resolves to its owner. The owner reconnects by itself.
 *
 * Rejects with an `RtbError`: a code of the server, `bad_argument` for a wrong argument, `aborted` or `timeout` if `options.signal` aborts,
 * `in_use` if another window of this browser owns the room.
 * @template [M=AnyMessages]
 * @param {string | URL} url The server's address, such as `/broadcasting` or `wss://example.org/broadcasting`.
 * @param {HostOptions} [options]
 * @returns {Promise<Host<M>>}
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
 * Returns the owner of a room at once, while it is still `connecting`; else like `host`. Until it is in the room, its `id` and `ownerKey`
 * may be empty, events fail with `offline`, and values wait.
 *
 * Never throws: with a wrong argument its status becomes `closed` with the reason `bad_argument`.
 * @template [M=AnyMessages]
 * @param {string | URL} url The server's address, such as `/broadcasting` or `wss://example.org/broadcasting`.
 * @param {HostOptions} [options]
 * @returns {Host<M>}
 */
export function own(url, options = {}) {
  const { audience: isAudience, signals, graceMs, takeOver } = options;
  const mistake =
    graceMs !== undefined && !isWhole(graceMs, 1) ? "graceMs is a whole number above 0."
    : options.room && options.cursor !== undefined && !isCursor(options.cursor) ? "A cursor is { epoch, seq }."
    : undefined;
  /** @type {any} */
  let storage = options.storage;
  // In a page with blocked storages, even the access to `sessionStorage` throws.
  callSafely(() => {
    if (typeof storage === "function") storage = storage();
  });
  const storageKey = options.storageKey ?? `rtbroadcaster ${knownAddressOf(url)}`;
  const stored = roomStorage(typeof storage === "function" ? undefined : storage, storageKey, () => ({ room, ownerKey, cursor }));
  const state = store();
  const { on, emit, clear } = listeners();
  /** `cursor` is the newest acknowledgement: the server must have every message up to it. */
  let { room = "", ownerKey = "", cursor } = options.room ? { ...options, cursor: options.cursor && { epoch: options.cursor.epoch, seq: options.cursor.seq } } : stored.read();
  /** @type {any} The server's frame about the lease: its `term` and `graceMs`. */
  let lease;
  let isOwner = false;
  let isClosing = false;
  let limits = LIMITS;
  let isSpeaking = false;
  /** @type {Audience | undefined} */
  let audience;
  /** @type {ReturnType<typeof outgoing>} Set right after the link. */
  let out;
  const hadRoom = Boolean(room);
  /** @type {import("./status.js").Inside["how"]} */
  let how;
  /** @type {string | undefined} Why acknowledged messages are lost, since the present connection entered the room. */
  let loss;
  /** @type {import("./store.js").Replay | undefined} The state that is being received. */
  let coming;
  /** @type {string | undefined} The epoch of the state. The cursor's differs if the last replay was interrupted. */
  let epoch;
  /** @type {[OwnerReset][]} The newest reset, if it came when there was no listener. */
  const unheard = [];

  /** @param {import("./store.js").Replay} came */
  function enter(came) {
    const { frame, next } = came;
    coming = undefined;
    isOwner = true;
    lease = frame;
    const changes = state.replace(came, frame.epoch === epoch);
    // Without a cursor the owner knows no acknowledged message that could be lost.
    const isLoss = cursor && frame.how === "reset";
    loss = isLoss ? frame.reason : undefined;
    cursor = next;
    epoch = next.epoch;
    stored.writeSoon();
    if (isLoss && !emit("reset", frame)) unheard[0] = [frame];
    if (changes.length) tellChanges(emit, changes);
  }

  /** Takes the new epoch and term of the lease, which may change during a connection. @param {any} frame */
  function takeLease(frame) {
    if (coming) {
      coming.next.epoch = frame.epoch;
      coming.frame.term = frame.term;
    } else if (isOwner && cursor) {
      cursor.epoch = epoch = frame.epoch;
      lease.term = frame.term;
      stored.writeSoon();
    }
  }

  /** Ends the room if `close` was called and every message is acknowledged. */
  function closeIfAllIsSafe() {
    if (isClosing && out.isEmpty()) link.send('{"type":"close"}');
  }

  /** @param {any} frame @returns {string | void} */
  function receive(frame) {
    limits = frame.limits ?? limits;
    switch (frame.type) {
      case "created":
        // An owner that has a room did not ask for another one.
        if (room || !frame.room) return "protocol";
        ({ room, ownerKey } = frame);
        how = hadRoom ? "replaced" : "created";
        cursor = undefined;
        enter(replay(frame));
        guard?.hold(room);
        return stored.write();
      case "owned":
        if (!room) return "protocol";
        how ??= "found";
        coming = replay(frame);
        // A server that sends no `how` has all messages if it has the same epoch.
        if (cursor && (frame.how ? frame.how !== "reset" : frame.epoch === cursor.epoch)) {
          // At once, before the replay is complete: the server has the cursor's message, and knows it under the new epoch.
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
          stored.writeSoon();
        }
        out.acked(frame.id, frame.seq);
        break;
      case "error":
        out.refused(frame.id, frame);
        break;
      case "signal":
        emit(`:${frame.key}`, frame);
        emit(frame.type, frame);
        break;
      case "audience":
        audience = frame;
        emit(frame.type);
        break;
      case "owner":
        if (frame.epoch) takeLease(frame);
    }
    if (coming && !coming.left) enter(coming);
    closeIfAllIsSafe();
  }

  // This window may be a duplicate of one that owns the room, and would take the room from it. A page that was reloaded is no duplicate.
  const isGuarded = storage && !options.room && globalThis.document;
  const isSame = takeOver || /^(reload|back_forward)$/.test(/** @type {any} */ (performance.getEntriesByType?.("navigation")[0])?.type);
  const isHeld = Boolean(isGuarded && room && !isSame);
  /** @type {import("./windows.js").Guard | undefined} Set once windows.js is loaded. */
  let guard;
  if (isGuarded) {
    Promise.resolve(loaded?.windows ?? import("./windows.js")).then(({ windows }) => {
      if (link.status().name === "closed") return;
      guard = windows({ again, standBy, status: link.status });
      return guard.begin(room, isHeld);
    }).catch(() => isHeld && again());
  }

  /** Disconnects, since another window or device owns the room, and waits for `again`. @param {string} reason @param {number} [code] */
  function standBy(reason, code) {
    link.detach();
    link.fail(failure(reason));
    link.setStatus({ name: "elsewhere", code, reason });
  }

  /** Connects now, also if another owner has the room. */
  function again() {
    if (link.status().name === "elsewhere") link.setStatus({ name: link.outside() });
    link.again();
  }

  const link = reconnecting(url, options, {
    enter: (token) =>
      room
        ? { type: "own", token, room, ownerKey, cursor, lives: true }
        : { type: "create", token, audience: isAudience, signals, graceMs },
    refused(frame) {
      if (!/^(no_room|bad_message)$/.test(frame.code) || options.room || lease || !room) return endOf(frame);
      // The stored room has ended: create another one.
      room = "";
    },
    receive,
    size: () => Math.max(state.size, coming?.size ?? 0),
    position: () => (isOwner ? "live" : ""),
    more: () => ({ how, ...(loss && { reset: loss }) }),
    cut() {
      isOwner = false;
      coming = undefined;
      out?.cut();
    },
    lost: (reason, code) => code === 4509 && (standBy(reason, code), true),
    flush: () => out.flush(),
    hide() {
      out.flush();
      stored.flush();
      return guard?.hide();
    },
    onStatus(status) {
      if (isOwner && !isSpeaking) {
        out.resume();
        closeIfAllIsSafe();
      }
      isSpeaking = isOwner;
      const isOver = status.name === "closed";
      if (isOver || status.name === "elsewhere") out.end(failure(status.reason));
      emit("status");
      if (!isOver) return;
      over();
      // The key is removed only when it is certain that the room has ended.
      if (isClosing && /^(room_closed|no_room)$/.test(status.reason ?? "")) stored.remove();
      stored.flush();
      guard?.end();
      clear();
    },
  }, mistake, isHeld || isAborted(options));

  out = outgoing(link, () => limits, (message) => {
    // A message that was sent again may be in the state already.
    if (message.seq > state.seq && state.take(message)) tellChanges(emit, [message]);
  });

  function leave(reason = "left") {
    out.flush();
    link.stop(reason);
  }

  const { entered, over } = entering(link.entered, options, leave);

  /** @param {"publish" | "clear"} type @param {string} key @param {any} params @param {PublishOptions} [options] */
  function submit(type, key, params, options) {
    const published = out.submit(type, key, params, options);
    published.catch((error) => /^(aborted|left|closed)$/.test(error.code) || emit("refused", { key, params, error }));
    return published;
  }

  /** @type {any} */
  const mine = {
    get id() {
      return room;
    },
    get ownerKey() {
      return ownerKey;
    },
    entered,
    get term() {
      return lease?.term;
    },
    get graceMs() {
      return lease?.graceMs;
    },
    get cursor() {
      return cursor && { ...cursor };
    },
    status: valueOf(link.status, on, "status"),
    audience: valueOf(() => audience, on, "audience"),
    state: state.seenBy(on),
    /** @param {string} key @param {(signal: any) => void} func @param {ListenOptions} [options] */
    on: (key, func, options) => on(`:${key}`, func, options),
    /** @param {string} name @param {(...values: any[]) => void} func @param {ListenOptions} [options] */
    listen: (name, func, options) => on(name, func, options, name === "reset" ? unheard : []),
    /** @param {string} key @param {any} params @param {PublishOptions} [options] */
    publish: (key, params, options) => submit("publish", key, params, options),
    /** @param {string} key @param {PublishOptions} [options] */
    clear: (key, options) => submit("clear", key, undefined, options),
    get bufferedAmount() {
      return link.stats().bufferedAmount + out.waiting();
    },
    stats: link.stats,
    /** @param {{ timeoutMs?: number }} [options] */
    close({ timeoutMs = out.timeout() } = {}) {
      if (!isTime(timeoutMs)) return quiet(Promise.reject(badArgument("timeoutMs is above 0.")));
      isClosing = true;
      out.flush();
      closeIfAllIsSafe();
      return quiet(new Promise((resolve, reject) => {
        const timer = timeoutMs === Infinity ? undefined : setTimer(() => reject(failure("timeout")), timeoutMs);
        const look = () => {
          const status = link.status();
          if (status.name !== "elsewhere" && status.name !== "closed") return;
          clearTimeout(timer);
          if (status.code === 1000) resolve(undefined);
          else reject(failure(status.reason));
        };
        on("status", look);
        look();
      }));
    },
    reconnect() {
      if (link.status().name === "elsewhere") guard?.hold(room);
      again();
    },
    leave: () => leave(),
    [Symbol.dispose ?? "dispose"]: () => leave(),
    [Symbol.asyncDispose ?? "asyncDispose"]: async () => leave(),
  };
  return mine;
}
