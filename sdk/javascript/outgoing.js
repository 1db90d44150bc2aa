// Queues and sends an owner's messages, and sends them again under the same id until the server has acknowledged them. It sends the first
// value in an animation frame at once, later ones with the next frame, the newest of each key. Must not know sockets or leases.

import { aborted, badArgument, failure, quiet } from "./failure.js";
import { bytesOf, refusalCode, textOf } from "./validation.js";
import { ids } from "./ids.js";
import { BACKLOG_BYTES_MAX, FRAME_MS, isTime, setTimer, STALE_BYTES_MAX, TIMEOUT_MS, UNACKED_MAX, UNACKED_MS, WAITING_MAX } from "./limits.js";

/**
 * The options of `publish`.
 * @typedef {object} PublishOptions
 * @property {boolean} [state] Whether it is the new value of its key, which late viewers get too. Default false.
 * @property {boolean} [ephemeral] Whether to send it only to the present viewers, without a number or an acknowledgement. Default false.
 * @property {number} [timeoutMs] The timeout of the acknowledgement, in milliseconds; `Infinity`: no timeout. Default 30 000, and 1 000 more
 *   for each 2 048 bytes that are unacknowledged, this message included.
 * @property {AbortSignal} [signal] Rejects the promise, and drops the message if it was not sent yet: then the value that it superseded is
 *   sent instead.
 */

/**
 * A message of the owner. `older`: the value that it superseded, while that may still be sent.
 * @typedef {{ id?: string, key: string, text: string, bytes: number, at: number, sent: number, waiters: Set<Waiter>, older?: Entry }} Entry
 * @typedef {(error: any, seq?: number) => void} Waiter
 */

/**
 * Returns the queue of one owner.
 * @param {{ send: (text: string) => number, backlog: () => number, monitor: () => { proven: (upTo: number) => void, doubt: (cause: "silent") => void } | undefined }} link
 * @param {() => import("./validation.js").Limits} limits
 * @param {(message: any) => void} acked Takes each acknowledged message, with its number.
 */
export function outgoing({ send: pass, backlog, monitor }, limits, acked) {
  /** @type {Map<string, Entry>} The queued messages: the newest value of each key, and events. */
  const waiting = new Map();
  /** The number of queued messages and of their bytes, superseded ones included that may still be sent. */
  let count = 0;
  let bytes = 0;
  /** @type {Map<string, Entry>} The messages that were sent and not acknowledged, by id, in order. */
  const unacked = new Map();
  const nextId = ids();
  /** @type {ReturnType<typeof setTimeout> | undefined} Sends the queued values. */
  let timer;
  let frame = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} Checks for late acknowledgements. */
  let watch;
  /** @type {unknown} The error with which `publish` rejects, once the owner has ended. */
  let over;

  /**
   * Sends a text, if the socket has room for more. Returns how many bytes the connection has sent with it; 0 if the text was not sent.
   * @param {string} text
   */
  const send = (text) => (backlog() < BACKLOG_BYTES_MAX ? pass(text) : 0);

  /** Returns the messages that are not acknowledged. */
  const all = () => [...unacked.values(), ...waiting.values()];

  /** Settles the promises of an entry and of those that it superseded. @param {Entry | undefined} entry @param {unknown} error @param {number} [seq] */
  function settle(entry, error, seq) {
    for (; entry; entry = entry.older) for (const waiter of [...entry.waiters]) waiter(error, seq);
  }

  /** Moves the promises of an entry to a newer one. @param {Entry | undefined} entry @param {Entry} newer */
  function settleLater(entry, newer) {
    for (; entry; entry = entry.older) for (const waiter of entry.waiters) newer.waiters.add(waiter);
  }

  /** Counts an entry, and those that it superseded, as queued or no longer queued. @param {Entry | undefined} entry @param {1 | -1} sign */
  function weigh(entry, sign) {
    for (; entry; entry = entry.older) {
      count += sign;
      bytes += sign * entry.bytes;
    }
  }

  /** Removes an entry from the queue. @param {string} slot */
  function dequeue(slot) {
    weigh(waiting.get(slot), -1);
    waiting.delete(slot);
  }

  /** Drops a queued entry; the one that it superseded takes its place. @param {string} slot @param {Entry} entry */
  function takeBack(slot, entry) {
    const head = waiting.get(slot);
    let newer = head;
    while (newer && newer !== entry && newer.older !== entry) newer = newer.older;
    // It was sent, or superseded by an entry that cannot be dropped.
    if (!newer) return;
    weigh(head, -1);
    if (newer !== entry) newer.older = entry.older;
    else if (entry.older) waiting.set(slot, entry.older);
    else waiting.delete(slot);
    weigh(waiting.get(slot), 1);
  }

  /** Sends queued messages, up to the limits. */
  function sendQueued() {
    for (const [slot, entry] of waiting) {
      if (entry.id === undefined) {
        send(entry.text);
        settle(entry, undefined);
      } else if (unacked.size >= UNACKED_MAX || !sendEntry(entry, true)) continue;
      dequeue(slot);
    }
  }

  /**
   * Sends an entry. Returns whether it now waits for its acknowledgement.
   * @param {Entry} entry @param {boolean} [isIfSent] Whether an entry that was not sent stays in the queue.
   */
  function sendEntry(entry, isIfSent) {
    entry.sent = send(entry.text);
    if (isIfSent && !entry.sent) return false;
    entry.at = performance.now();
    unacked.set(/** @type {string} */ (entry.id), entry);
    watch ??= setTimer(checkAcks, UNACKED_MS);
    return true;
  }

  /** Returns the default timeout of the acknowledgement of one more entry, in milliseconds. @param {number} [more] Its bytes. */
  function timeout(more = 0) {
    // 2 048 bytes a second, as in a server, which closes slower connections: a megabyte at 4 KB/s is slow, and not lost.
    return TIMEOUT_MS + 1_000 * Math.floor(all().reduce((sum, { bytes }) => sum + bytes, more) / 2_048);
  }

  /** Checks the connection if an acknowledgement is late. */
  function checkAcks() {
    watch = undefined;
    const [oldest] = unacked.values();
    if (!oldest) return;
    const late = performance.now() - oldest.at - UNACKED_MS;
    watch = setTimer(checkAcks, late < 0 ? -late : UNACKED_MS);
    if (late >= 0) monitor()?.doubt("silent");
  }

  /** Ends the present frame: sends the queued messages and, if it sent any, begins the next frame. */
  function flush() {
    clearTimeout(timer);
    globalThis.removeEventListener?.("beforeunload", flush);
    // A hidden page has no frames: without this, one callback per value would stay registered.
    if (frame) cancelAnimationFrame(frame);
    frame = 0;
    timer = undefined;
    const before = waiting.size;
    sendQueued();
    // Without a connection nothing was sent, and there is no need for another frame.
    if (waiting.size < before) scheduleFlush();
  }

  /** Schedules the end of the present frame: when the page is drawn, soon without a page, at once in a hidden page. */
  function scheduleFlush() {
    if (timer !== undefined) return;
    // Timers of a hidden page fire once a second, or once a minute.
    if (globalThis.document?.hidden) {
      timer = /** @type {any} */ (-1);
      return queueMicrotask(flush);
    }
    // Some browsers close the connection before they fire the events for a hidden page.
    globalThis.addEventListener?.("beforeunload", flush);
    frame = globalThis.requestAnimationFrame?.(flush) ?? 0;
    timer = setTimeout(flush, frame ? FRAME_MS : 0);
  }

  return {
    flush,
    timeout,
    waiting: () => bytes,
    isEmpty: () => !(waiting.size + unacked.size),

    /**
     * Queues or sends a message. Resolves to its number when it is acknowledged; for a superseded value to the number of the newer one.
     * @param {"publish" | "clear"} type
     * @param {string} key
     * @param {any[] | undefined} params
     * @param {PublishOptions} [options]
     * @returns {Promise<number | undefined>}
     */
    submit(type, key, params, options) {
      const { state, ephemeral, timeoutMs, signal } = options ?? {};
      const isValue = state || ephemeral || type === "clear";
      /** @type {any} */
      const id = ephemeral ? undefined : nextId();
      // Encoded now: the parameters may change before they are sent.
      const body = type === "clear" ? "" : textOf(params);
      const head = textOf([{ type, id, key, state: state ? true : undefined, ephemeral: ephemeral ? true : undefined }]);
      const text = `${head?.slice(1, -2)}${body && `,"params":${body}`}}`;
      const entry = /** @type {Entry} */ ({ id, key, text, bytes: bytesOf(text), at: 0, sent: 0, waiters: new Set() });
      return quiet(new Promise((/** @type {(seq?: number) => void} */ resolve, reject) => {
        if (over) return reject(over);
        if (signal?.aborted) return reject(aborted(signal));
        if (timeoutMs !== undefined && !isTime(timeoutMs)) return reject(badArgument("timeoutMs is above 0."));
        const code = state && ephemeral ? "bad_message" : refusalCode(key, body, text, limits());
        if (code) return reject(failure(code));
        const slot = isValue ? `${!ephemeral}${key}` : ` ${id}`;
        if (!isValue && backlog() === Infinity) return reject(failure("offline"));
        // An ephemeral message would be out of date by the time it is sent, and is dropped.
        if (ephemeral && backlog() > STALE_BYTES_MAX) return resolve();
        // An event is sent at once, and queued messages before it.
        if (!isValue) sendQueued();
        const older = waiting.get(slot);
        const isMore = signal || !older;
        if (isMore && waiting.size && (count >= WAITING_MAX || bytes >= BACKLOG_BYTES_MAX)) return reject(failure("busy"));
        /** @param {unknown} error @param {boolean} [isTakenBack] */
        const giveUp = (error, isTakenBack) => {
          waiter(error);
          // A value is the newest of its key: it is still sent, though its promise is settled. An event is not sent again.
          if (!isValue) unacked.delete(id);
          if (!isValue || isTakenBack) takeBack(slot, entry);
        };
        const limit = timeoutMs === Infinity ? undefined : setTimer(() => giveUp(failure("timeout")), timeoutMs ?? timeout(entry.bytes));
        const abort = () => giveUp(aborted(signal), true);
        /** @type {Waiter} */
        const waiter = (error, seq) => {
          clearTimeout(limit);
          signal?.removeEventListener?.("abort", abort);
          entry.waiters.delete(waiter);
          if (error) reject(error);
          else resolve(seq);
        };
        signal?.addEventListener?.("abort", abort);
        if (older) dequeue(slot);
        if (signal) entry.older = older;
        else settleLater(older, entry);
        entry.waiters.add(waiter);
        // Appended: the order is that of last change.
        waiting.set(slot, entry);
        weigh(entry, 1);
        // The first value of a frame is sent at once; later ones wait for the next frame.
        if (!isValue || (timer === undefined && waiting.size === 1)) sendQueued();
        if (isValue) scheduleFlush();
      }));
    },

    /** Sends unacknowledged messages again on a new connection, then the queue. Rejects messages that the server's new limits exclude. */
    resume() {
      over = undefined;
      for (const entries of [unacked, waiting]) {
        for (const [slot, entry] of entries) {
          const code = refusalCode(entry.key, "", entry.text, limits());
          if (!code) continue;
          if (entries === waiting) dequeue(slot);
          else entries.delete(slot);
          settle(entry, failure(code));
        }
      }
      for (const entry of [...unacked.values()]) {
        sendEntry(entry);
      }
      flush();
    },

    /** Takes an acknowledgement. @param {string} id @param {number} seq */
    acked(id, seq) {
      // Queued messages may have waited for this.
      if (waiting.size) scheduleFlush();
      const entry = unacked.get(id);
      if (!entry) return;
      unacked.delete(id);
      monitor()?.proven(entry.sent);
      if (!unacked.size) this.cut();
      const message = JSON.parse(entry.text);
      acked({ params: [], ...message, seq, cleared: message.type === "clear" });
      settle(entry, undefined, seq);
    },

    /** Takes a refusal. @param {string} id @param {{ code: string, message: string }} refused */
    refused(id, { code, message }) {
      // These are temporary: the server closes the connection, and the message is sent again on the next one.
      if (/^(unavailable|rate)$/.test(code)) return;
      // A server that refuses a message as too big has not read its id: it is the biggest one.
      const [biggest] = [...unacked].sort(([, one], [, other]) => other.bytes - one.bytes);
      const known = id ?? (code === "too_big" ? biggest?.[0] : id);
      const entry = unacked.get(known);
      unacked.delete(known);
      settle(entry, failure(code, message));
    },

    /** Stops the check for late acknowledgements. */
    cut() {
      clearTimeout(watch);
      watch = undefined;
    },

    /** Rejects all messages, and later ones until `resume` is called. @param {unknown} error */
    end(error) {
      over = error;
      for (const entry of all()) settle(entry, error);
      unacked.clear();
      waiting.clear();
      count = bytes = 0;
    },
  };
}
