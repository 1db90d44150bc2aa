// The messages of a viewer as an async iterator. Must not know rooms.

/** The maximum number of queued messages of a loop, and of their characters, besides the state with which it begins. */
const QUEUE_MAX = 1_024;
const QUEUE_CHARACTERS_MAX = 16_777_216;

/**
 * Returns an iterator over the queued messages, then each new one. It queues messages from the call on, not from the first `next()` on.
 * @param {any[]} queue The messages that are there already.
 * @param {number} held How many of these do not count towards the limits.
 * @param {{ on: (name: string, func: (message: any) => void) => () => void, status: () => { name: string }, failure: (code: string) => Error }} viewer
 *   `on` calls `func` for each `message`, and when the viewer is `over`. `failure` returns the error with which the loop ends beyond its
 *   limits.
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<any, void, void>}
 */
export function loop(queue, held, { on, status, failure }, signal) {
  const most = held + QUEUE_MAX;
  let left = QUEUE_CHARACTERS_MAX;
  let isOver = false;
  /** @type {unknown} */
  let error;
  /** @type {(() => void)[]} Wakes each call of `next` that waits for a message. */
  const waiting = [];

  const wake = () => waiting.splice(0).forEach((go) => go());
  /** Ends the loop. @param {unknown} [why] @param {boolean} [isWhole] Whether the loop still gets the queued messages. */
  function end(why, isWhole) {
    if (isOver) return;
    isOver = true;
    error = why;
    if (!isWhole) queue.length = 0;
    for (const off of offs) off();
    signal?.removeEventListener?.("abort", stop);
    wake();
  }
  const stop = () => end();
  const offs = [
    on("message", (message) => {
      left -= message.size ?? 0;
      if (queue.push(message) > most || left < 0) end(failure("busy"), true);
      wake();
    }),
    on("over", () => end(undefined, true)),
  ];
  if (status().name === "closed") queueMicrotask(() => end(undefined, true));
  if (queue.length > most) end(failure("busy"), true);
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
