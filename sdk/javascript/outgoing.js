// What an owner says: values wait for the next frame, newest per key; what was said waits for its acknowledgement, and is
// said again under the same id. Must not know sockets or how a room comes to be owned.

import { failure, ids, quiet } from "./failure.js";
import { BACKLOG_BYTES_MAX, FRAME_MS, later, MESSAGE_BYTES_MAX, TIMEOUT_MS, UNACKED_MAX, WAITING_MAX } from "./limits.js";

/**
 * What is to be said, and by when.
 * @typedef {object} PublishOptions
 * @property {boolean} [state] Whether it is the newest value of its key, for those who come later too.
 * @property {boolean} [ephemeral] Whether only those who are there now get it, without a number or an acknowledgement.
 * @property {number} [timeoutMs] How long to wait for the acknowledgement. Default 30 000.
 * @property {AbortSignal} [signal] Takes it back, if it was not said yet, and waits no longer.
 */

/**
 * @typedef {{ id?: string, text: string, waiters: Set<Waiter> }} Entry
 * @typedef {(error: any, seq?: number) => void} Waiter
 */

/**
 * What one owner says.
 * @param {{ send: (text: string) => boolean, backlog: () => number }} way
 * @param {(message: any) => void} acked Hears what is safe, with its number.
 */
export function outgoing({ send, backlog }, acked) {
  /** @type {Map<string, Entry>} The newest value of each key that waits for the next frame or connection. */
  const waiting = new Map();
  /** @type {Map<string, Entry>} What was said and not acknowledged, by id, in order. */
  const unacked = new Map();
  const nextId = ids();
  /** @type {ReturnType<typeof setTimeout> | undefined} What says the values that wait, if any do. */
  let timer;
  let frame = 0;
  /** @type {unknown} Why nothing is said any more. */
  let over;

  /** @param {Entry | undefined} entry @param {unknown} error @param {number} [seq] */
  function settle(entry, error, seq) {
    for (const waiter of entry?.waiters ?? []) waiter(error, seq);
  }

  /** Says what waits, as far as it may. */
  function flush() {
    clearTimeout(timer);
    // One that no frame comes to, in a page that nobody sees, would stay there for each value.
    if (frame) cancelAnimationFrame(frame);
    timer = undefined;
    for (const [slot, entry] of waiting) {
      if (entry.id === undefined) {
        send(entry.text);
        settle(entry, undefined);
      } else if (unacked.size >= UNACKED_MAX || !send(entry.text)) continue;
      else unacked.set(entry.id, entry);
      waiting.delete(slot);
    }
  }

  /** The next frame, or a moment later where there is none. */
  function soon() {
    if (timer !== undefined) return;
    frame = globalThis.requestAnimationFrame?.(flush) ?? 0;
    timer = setTimeout(flush, frame ? FRAME_MS : 0);
  }

  return {
    flush,
    isEmpty: () => !(waiting.size + unacked.size),

    /**
     * Says something, and gives its number when it is safe; of a value that was superseded that of the newer one.
     * @param {"publish" | "clear"} type
     * @param {string} key
     * @param {any[] | undefined} params
     * @param {PublishOptions} [options]
     * @returns {Promise<number | undefined>}
     */
    say(type, key, params, { state, ephemeral, timeoutMs = TIMEOUT_MS, signal } = {}) {
      if (typeof key !== "string" || key === "") throw new TypeError("a message needs a key");
      if (type === "publish" && !Array.isArray(params)) throw new TypeError("a message's parameters are an array");
      if (state && ephemeral) throw new TypeError("a message is not both state and ephemeral");
      const isValue = state || ephemeral || type === "clear";
      /** @type {any} */
      const id = ephemeral ? undefined : nextId();
      // Written now: the parameters may change before they are said.
      const text = JSON.stringify({ type, id, key, params, state: state || undefined, ephemeral: ephemeral || undefined });
      const entry = /** @type {Entry} */ ({ id, text, waiters: new Set() });
      const slot = `${!ephemeral}${key}`;
      // Whoever does not wait for it does not want to hear of it.
      return quiet(new Promise((/** @type {(seq?: number) => void} */ resolve, reject) => {
        if (over) return reject(over);
        if (signal?.aborted) return reject(signal.reason);
        if (new TextEncoder().encode(text).length > MESSAGE_BYTES_MAX) {
          return reject(failure("too_big"));
        }
        if (!isValue && backlog() === Infinity) return reject(failure("offline"));
        // What nobody will ask for again is not worth waiting.
        if (ephemeral && backlog() > MESSAGE_BYTES_MAX) return resolve();
        if (isValue) {
          const older = waiting.get(slot);
          if (!older && waiting.size >= WAITING_MAX) return reject(failure("busy"));
          entry.waiters = older?.waiters ?? entry.waiters;
          soon();
          // Appended anew: the order is that of last change.
          waiting.delete(slot);
          waiting.set(slot, entry);
        } else {
          flush();
          // What waits still was said before.
          if (waiting.size || unacked.size >= UNACKED_MAX || backlog() >= BACKLOG_BYTES_MAX) {
            return reject(failure("busy"));
          }
          send(text);
          unacked.set(id, entry);
        }
        /** @param {unknown} error @param {boolean} [isTakenBack] */
        const giveUp = (error, isTakenBack) => {
          waiter(error);
          // An event is not said again after this. A value is the newest of its key: it is said, though nobody waits any more.
          if (!isValue) unacked.delete(id);
          else if (isTakenBack && waiting.get(slot) === entry && !entry.waiters.size) waiting.delete(slot);
        };
        const timer = later(() => giveUp(failure("timeout")), timeoutMs);
        const abort = () => giveUp(signal?.reason, true);
        /** @type {Waiter} */
        const waiter = (error, seq) => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
          entry.waiters.delete(waiter);
          if (error) reject(error);
          else resolve(seq);
        };
        signal?.addEventListener("abort", abort);
        entry.waiters.add(waiter);
      }));
    },

    /** There is a connection: what may not have come is said again, then what waits. */
    resume() {
      for (const { text } of unacked.values()) send(text);
      flush();
    },

    /** @param {string} id @param {number} seq */
    acked(id, seq) {
      // There may be a place for what waits, on its way or in the socket.
      if (waiting.size) soon();
      const entry = unacked.get(id);
      if (!entry) return;
      unacked.delete(id);
      const said = JSON.parse(entry.text);
      acked({ params: [], ...said, seq, cleared: said.type === "clear" });
      settle(entry, undefined, seq);
    },

    /** @param {string} id @param {{ code: string, message: string }} refused */
    refused(id, { code, message }) {
      // These pass: the connection is closed, and the message said again on the next one.
      if (/^(unavailable|rate)$/.test(code)) return;
      const entry = unacked.get(id);
      unacked.delete(id);
      settle(entry, failure(code, message));
    },

    /** Nothing is said any more. @param {unknown} error */
    end(error) {
      over = error;
      for (const entry of [...unacked.values(), ...waiting.values()]) settle(entry, error);
      unacked.clear();
      waiting.clear();
    },
  };
}
