// What an owner says: the first value of a frame at once, what follows with the next frame, newest per key; what was said waits for
// its acknowledgement, and is said again under the same id. Must not know sockets or how a room comes to be owned.

import { aborted, badArgument, failure, quiet } from "./failure.js";
import { bytesOf, textOf, wrong } from "./grammar.js";
import { ids } from "./ids.js";
import { BACKLOG_BYTES_MAX, FRAME_MS, isTime, later, STALE_BYTES_MAX, TIMEOUT_MS, UNACKED_MAX, UNACKED_MS, WAITING_MAX } from "./limits.js";

/**
 * What is to be said, and by when.
 * @typedef {object} PublishOptions
 * @property {boolean} [state] Whether it is the newest value of its key, for those who come later too.
 * @property {boolean} [ephemeral] Whether only those who are there now get it, without a number or an acknowledgement.
 * @property {number} [timeoutMs] How long to wait for the acknowledgement, `Infinity` for ever. Default 30 000, and 1 000 more for each
 *   2 048 bytes that are to be sent up to its end.
 * @property {AbortSignal} [signal] Takes it back if it was not sent yet, so that what it superseded is said instead, and waits no longer.
 */

/**
 * @typedef {{ id?: string, key: string, text: string, bytes: number, at: number, sent: number, waiters: Set<Waiter>, older?: Entry }} Entry
 *   `older`: what it supersedes, as long as it may be taken back.
 * @typedef {(error: any, seq?: number) => void} Waiter
 */

/**
 * What one owner says.
 * @param {{ send: (text: string) => number, backlog: () => number, stay: () => { proven: (upTo: number) => void, doubt: (cause: "silent") => void } | undefined }} way
 * @param {() => import("./grammar.js").Limits} limits
 * @param {(message: any) => void} acked Hears what is safe, with its number.
 */
export function outgoing({ send: pass, backlog, stay }, limits, acked) {
  /** @type {Map<string, Entry>} What waits for the next frame, a place or a connection: the newest value of each key, and events. */
  const waiting = new Map();
  /** How much waits, with what it supersedes. */
  let count = 0;
  let bytes = 0;
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

  /** Sends a text, if the socket has room for more. Returns how many bytes were sent up to its end, 0 if it was not. @param {string} text */
  const send = (text) => (backlog() < BACKLOG_BYTES_MAX ? pass(text) : 0);

  /** Everything that is not acknowledged. */
  const all = () => [...unacked.values(), ...waiting.values()];

  /** @param {Entry | undefined} entry @param {unknown} error @param {number} [seq] */
  function settle(entry, error, seq) {
    for (; entry; entry = entry.older) for (const waiter of [...entry.waiters]) waiter(error, seq);
  }

  /** Whoever waits for an entry waits for a newer one. @param {Entry | undefined} entry @param {Entry} newer */
  function settleLater(entry, newer) {
    for (; entry; entry = entry.older) for (const waiter of entry.waiters) newer.waiters.add(waiter);
  }

  /** Counts what begins to wait, or does no more. @param {Entry | undefined} entry @param {1 | -1} sign */
  function weigh(entry, sign) {
    for (; entry; entry = entry.older) {
      count += sign;
      bytes += sign * entry.bytes;
    }
  }

  /** @param {string} slot */
  function unwait(slot) {
    weigh(waiting.get(slot), -1);
    waiting.delete(slot);
  }

  /** Takes an entry back that waits: what it superseded takes its place. @param {string} slot @param {Entry} entry */
  function takeBack(slot, entry) {
    const head = waiting.get(slot);
    let newer = head;
    while (newer && newer !== entry && newer.older !== entry) newer = newer.older;
    // It was sent, or what superseded it cannot be taken back.
    if (!newer) return;
    weigh(head, -1);
    if (newer !== entry) newer.older = entry.older;
    else if (entry.older) waiting.set(slot, entry.older);
    else waiting.delete(slot);
    weigh(waiting.get(slot), 1);
  }

  /** Says what waits, as far as it may. */
  function speak() {
    for (const [slot, entry] of waiting) {
      if (entry.id === undefined) {
        send(entry.text);
        settle(entry, undefined);
      } else if (unacked.size >= UNACKED_MAX || !waits(entry, true)) continue;
      unwait(slot);
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

  /** How long the acknowledgement of one more entry may take by default, in milliseconds. @param {number} [more] Its bytes. */
  function timeout(more = 0) {
    // As a server, which ends a slower link: on one of 4 KB/s a megabyte takes its time, and is not lost.
    return TIMEOUT_MS + 1_000 * Math.floor(all().reduce((sum, { bytes }) => sum + bytes, more) / 2_048);
  }

  /** Doubts the connection if an acknowledgement is late. */
  function look() {
    watch = undefined;
    const [oldest] = unacked.values();
    if (!oldest) return;
    const late = performance.now() - oldest.at - UNACKED_MS;
    watch = later(look, late < 0 ? -late : UNACKED_MS);
    if (late >= 0) stay()?.doubt("silent");
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
    waiting: () => bytes,
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
      return quiet(new Promise((/** @type {(seq?: number) => void} */ resolve, reject) => {
        if (over) return reject(over);
        if (signal?.aborted) return reject(aborted(signal));
        if (timeoutMs !== undefined && !isTime(timeoutMs)) return reject(badArgument("timeoutMs is above 0."));
        const code = state && ephemeral ? "bad_message" : wrong(key, body, text, limits());
        if (code) return reject(failure(code));
        const slot = isValue ? `${!ephemeral}${key}` : ` ${id}`;
        if (!isValue && backlog() === Infinity) return reject(failure("offline"));
        // What nobody will ask for again is not worth waiting.
        if (ephemeral && backlog() > STALE_BYTES_MAX) return resolve();
        // It leaves at once: what waits was said before.
        if (!isValue) speak();
        const older = waiting.get(slot);
        const isMore = signal || !older;
        if (isMore && waiting.size && (count >= WAITING_MAX || bytes >= BACKLOG_BYTES_MAX)) return reject(failure("busy"));
        /** @param {unknown} error @param {boolean} [isTakenBack] */
        const giveUp = (error, isTakenBack) => {
          waiter(error);
          // A value is the newest of its key: it is said, though nobody waits any more. An event is not said again after this.
          if (!isValue) unacked.delete(id);
          if (!isValue || isTakenBack) takeBack(slot, entry);
        };
        const limit = timeoutMs === Infinity ? undefined : later(() => giveUp(failure("timeout")), timeoutMs ?? timeout(entry.bytes));
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
        if (older) unwait(slot);
        if (signal) entry.older = older;
        else settleLater(older, entry);
        entry.waiters.add(waiter);
        // Appended anew: the order is that of last change.
        waiting.set(slot, entry);
        weigh(entry, 1);
        // The first value of a frame is worth its own message; those that follow wait for the next frame.
        if (!isValue || (timer === undefined && waiting.size === 1)) speak();
        if (isValue) soon();
      }));
    },

    /** There is a connection: what may not have come is said again, then what waits; what the server takes no more is refused. */
    resume() {
      over = undefined;
      for (const entries of [unacked, waiting]) {
        for (const [slot, entry] of entries) {
          const code = wrong(entry.key, "", entry.text, limits());
          if (!code) continue;
          if (entries === waiting) unwait(slot);
          else entries.delete(slot);
          settle(entry, failure(code));
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
      stay()?.proven(entry.sent);
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
      count = bytes = 0;
    },
  };
}
