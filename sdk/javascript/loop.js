// What a viewer hears, as a loop. Must not know rooms.

import { failure } from "./failure.js";
import { QUEUE_MAX, STATE_BYTES_MAX } from "./limits.js";

/**
 * Returns the messages that are there, then each one that comes. It listens from the call on, not from the loop's first turn on.
 * @param {any[]} queue Those that are there.
 * @param {(hear: (message: any) => void, end: () => void) => () => void} listen Calls `hear` for each message, and `end` when none comes
 *   any more. The answer ends that.
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<any, void, void>}
 */
export function loop(queue, listen, signal) {
  const most = queue.length + QUEUE_MAX;
  let left = STATE_BYTES_MAX;
  let isOver = false;
  /** @type {unknown} */
  let error;
  /** @type {(() => void)[]} Those who wait for the next message. */
  const waiting = [];

  const wake = () => waiting.splice(0).forEach((go) => go());
  /** @param {unknown} [why] @param {boolean} [isWhole] Whether what waits is heard yet. */
  function end(why, isWhole) {
    if (isOver) return;
    isOver = true;
    error = why;
    if (!isWhole) queue.length = 0;
    off();
    signal?.removeEventListener?.("abort", stop);
    wake();
  }
  const stop = () => end();
  const off = listen(
    (message) => {
      left -= message.size ?? 0;
      if (queue.push(message) > most || left < 0) end(failure("busy"), true);
      wake();
    },
    () => end(undefined, true),
  );
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);

  /** @type {any} */
  const messages = {
    async next() {
      while (!queue.length && !isOver) await new Promise((go) => waiting.push(/** @type {() => void} */ (go)));
      const value = queue.shift();
      if (value) {
        left += value.size ?? 0;
        return { value, done: false };
      }
      const why = error;
      error = undefined;
      if (why) throw why;
      return { value, done: true };
    },
    /** @param {any} value */
    async return(value) {
      stop();
      return { value, done: true };
    },
    /** @param {any} why */
    async throw(why) {
      stop();
      throw why;
    },
    [Symbol.asyncIterator]: () => messages,
  };
  return messages;
}
