// What an owner says: the first value of a frame at once, what follows with the next frame, newest per key; what was said waits for
// its acknowledgement, and is said again under the same id. Must not know sockets or how a room comes to be owned.

import { failure, ids, quiet } from "./failure.js";
import { bytesOf, textOf, wrong } from "./grammar.js";
import { BACKLOG_BYTES_MAX, FRAME_MS, later, STALE_BYTES_MAX, TIMEOUT_MS, UNACKED_MAX, UNACKED_MS, WAITING_MAX } from "./limits.js";

/**
 * What is to be said, and by when.
 * @typedef {object} PublishOptions
 * @property {boolean} [state] Whether it is the newest value of its key, for those who come later too.
 * @property {boolean} [ephemeral] Whether only those who are there now get it, without a number or an acknowledgement.
 * @property {number} [timeoutMs] How long to wait for the acknowledgement. Default 30 000, and 1 000 more for each 2 048 bytes that
 *   are to be sent up to its end.
 * @property {AbortSignal} [signal] Takes it back, if it was not said yet, and waits no longer.
 */

/**
 * @typedef {{ id?: string, key: string, text: string, bytes: number, at: number, sent: number, waiters: Set<Waiter> }} Entry
 * @typedef {(error: any, seq?: number) => void} Waiter
 */

/**
 * What one owner says.
 * @param {{ send: (text: string) => number, proven: (upTo: number) => void, backlog: () => number, doubt: (cause: "silent") => void }} way
 * @param {() => import("./grammar.js").Limits} limits
 * @param {(message: any) => void} acked Hears what is safe, with its number.
 */
export function outgoing({ send, proven, backlog, doubt }, limits, acked) {
  /** @type {Map<string, Entry>} The newest value of each key that waits for the next frame or connection. */
  const waiting = new Map();
  /** @type {Map<string, Entry>} What was said and not acknowledged, by id, in order. */
  const unacked = new Map();
  const nextId = ids();
  /** @type {ReturnType<typeof setTimeout> | undefined} What says the values that wait, if any do. */
  let timer;
  let frame = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} What looks whether acknowledgements come. */
  let watch;
  /** @type {unknown} Why nothing is said any more. */
  let over;

  /** Everything that is not acknowledged. */
  const all = () => [...unacked.values(), ...waiting.values()];

  /** @param {Entry | undefined} entry @param {unknown} error @param {number} [seq] */
  function settle(entry, error, seq) {
    for (const waiter of entry?.waiters ?? []) waiter(error, seq);
  }

  /** Says what waits, as far as it may. */
  function speak() {
    for (const [slot, entry] of waiting) {
      if (entry.id === undefined) {
        send(entry.text);
        settle(entry, undefined);
      } else if (unacked.size >= UNACKED_MAX || !waits(entry, true)) continue;
      waiting.delete(slot);
    }
  }

  /** Sends an entry. Returns whether it waits for its acknowledgement. @param {Entry} entry @param {boolean} [isIfSent] */
  function waits(entry, isIfSent) {
    entry.sent = send(entry.text);
    if (isIfSent && !entry.sent) return false;
    entry.at = performance.now();
    unacked.set(/** @type {string} */ (entry.id), entry);
    watch ??= later(look, UNACKED_MS);
    return true;
  }

  /** How long the acknowledgement of the newest entry may take by default, in milliseconds. */
  function timeout() {
    // As a server, which ends a slower link: on one of 4 KB/s a megabyte takes its time, and is not lost.
    return TIMEOUT_MS + 1_000 * Math.floor(all().reduce((sum, { bytes }) => sum + bytes, 0) / 2_048);
  }

  /** Doubts the connection if an acknowledgement is late. */
  function look() {
    watch = undefined;
    const [oldest] = unacked.values();
    if (!oldest) return;
    const late = performance.now() - oldest.at - UNACKED_MS;
    watch = later(look, late < 0 ? -late : UNACKED_MS);
    if (late >= 0) doubt("silent");
  }

  /** The end of a frame: says what came during it, after which the next one begins. */
  function flush() {
    clearTimeout(timer);
    globalThis.removeEventListener?.("beforeunload", flush);
    // One that no frame comes to, in a page that nobody sees, would stay there for each value.
    if (frame) cancelAnimationFrame(frame);
    frame = 0;
    timer = undefined;
    const before = waiting.size;
    speak();
    // Without a connection nothing is said, and no frame is worth waiting for.
    if (waiting.size < before) soon();
  }

  /** Ends the present frame when the page is drawn; soon where nothing is drawn, and as soon as nobody sees the page. */
  function soon() {
    if (timer !== undefined) return;
    // Timers of a hidden page fire once a second, or once a minute.
    if (globalThis.document?.hidden) {
      timer = /** @type {any} */ (-1);
      return queueMicrotask(flush);
    }
    // Some browsers close the connection before they tell that the page is hidden.
    globalThis.addEventListener?.("beforeunload", flush);
    frame = globalThis.requestAnimationFrame?.(flush) ?? 0;
    timer = setTimeout(flush, frame ? FRAME_MS : 0);
  }

  return {
    flush,
    timeout,
    isEmpty: () => !(waiting.size + unacked.size),

    /**
     * Says something, and gives its number when it is safe; of a value that was superseded that of the newer one.
     * @param {"publish" | "clear"} type
     * @param {string} key
     * @param {any[] | undefined} params
     * @param {PublishOptions} [options]
     * @returns {Promise<number | undefined>}
     */
    say(type, key, params, options) {
      const { state, ephemeral, timeoutMs, signal } = options ?? {};
      const isValue = state || ephemeral || type === "clear";
      /** @type {any} */
      const id = ephemeral ? undefined : nextId();
      // Written now: the parameters may change before they are said.
      const body = type === "clear" ? "" : textOf(params);
      const head = textOf([{ type, id, key, state: state ? true : undefined, ephemeral: ephemeral ? true : undefined }]);
      const text = `${head?.slice(1, -2)}${body && `,"params":${body}`}}`;
      const entry = /** @type {Entry} */ ({ id, key, text, bytes: bytesOf(text), at: 0, sent: 0, waiters: new Set() });
      // Whoever does not wait for it does not want to hear of it.
      return quiet(new Promise((/** @type {(seq?: number) => void} */ resolve, reject) => {
        if (over) return reject(over);
        if (signal?.aborted) return reject(signal.reason);
        const code = state && ephemeral ? "bad_message" : wrong(key, body, text, limits());
        if (code) return reject(failure(code));
        const slot = `${!ephemeral}${key}`;
        if (!isValue && backlog() === Infinity) return reject(failure("offline"));
        // What nobody will ask for again is not worth waiting.
        if (ephemeral && backlog() > STALE_BYTES_MAX) return resolve();
        if (isValue) {
          const older = waiting.get(slot);
          if (!older && waiting.size >= WAITING_MAX) return reject(failure("busy"));
          entry.waiters = older?.waiters ?? entry.waiters;
          // Appended anew: the order is that of last change.
          waiting.delete(slot);
          waiting.set(slot, entry);
        } else {
          speak();
          // What waits still was said before.
          if (waiting.size || unacked.size >= UNACKED_MAX || backlog() >= BACKLOG_BYTES_MAX) {
            return reject(failure("busy"));
          }
          waits(entry);
        }
        /** @param {unknown} error @param {boolean} [isTakenBack] */
        const giveUp = (error, isTakenBack) => {
          waiter(error);
          // An event is not said again after this. A value is the newest of its key: it is said, though nobody waits any more.
          if (!isValue) unacked.delete(id);
          else if (isTakenBack && waiting.get(slot) === entry && !entry.waiters.size) waiting.delete(slot);
        };
        const limit = later(() => giveUp(failure("timeout")), timeoutMs ?? timeout());
        const abort = () => giveUp(signal?.reason, true);
        /** @type {Waiter} */
        const waiter = (error, seq) => {
          clearTimeout(limit);
          signal?.removeEventListener?.("abort", abort);
          entry.waiters.delete(waiter);
          if (error) reject(error);
          else resolve(seq);
        };
        signal?.addEventListener?.("abort", abort);
        entry.waiters.add(waiter);
        if (!isValue) return;
        // The first value of a frame is worth its own message; those that follow wait for the next frame.
        if (timer === undefined && waiting.size === 1) speak();
        soon();
      }));
    },

    /** There is a connection: what may not have come is said again, then what waits; what the server takes no more is refused. */
    resume() {
      over = undefined;
      for (const entries of [unacked, waiting]) {
        for (const [slot, entry] of entries) {
          const code = wrong(entry.key, "", entry.text, limits());
          if (code) entries.delete(slot);
          if (code) settle(entry, failure(code));
        }
      }
      for (const entry of [...unacked.values()]) {
        waits(entry);
      }
      flush();
    },

    /** @param {string} id @param {number} seq */
    acked(id, seq) {
      // There may be a place for what waits, on its way or in the socket.
      if (waiting.size) soon();
      const entry = unacked.get(id);
      if (!entry) return;
      unacked.delete(id);
      proven(entry.sent);
      if (!unacked.size) this.cut();
      const said = JSON.parse(entry.text);
      acked({ params: [], ...said, seq, cleared: said.type === "clear" });
      settle(entry, undefined, seq);
    },

    /** @param {string} id @param {{ code: string, message: string }} refused */
    refused(id, { code, message }) {
      // These pass: the connection is closed, and the message said again on the next one.
      if (/^(unavailable|rate)$/.test(code)) return;
      // A server does not read a message that is too big, nor its id: it is the biggest one.
      const [biggest] = [...unacked].sort(([, one], [, other]) => other.bytes - one.bytes);
      const known = id ?? (code === "too_big" ? biggest?.[0] : id);
      const entry = unacked.get(known);
      unacked.delete(known);
      settle(entry, failure(code, message));
    },

    /** The connection is gone: no acknowledgement can come. */
    cut() {
      clearTimeout(watch);
      watch = undefined;
    },

    /** Nothing is said any more, unless it is resumed. @param {unknown} error */
    end(error) {
      over = error;
      for (const entry of all()) settle(entry, error);
      unacked.clear();
      waiting.clear();
    },
  };
}
