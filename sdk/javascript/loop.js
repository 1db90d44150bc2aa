// What a viewer hears, as a loop. Must not know rooms.

/** How many messages wait for a loop at most, and how many characters of them, besides those that are there when it begins. */
const QUEUE_MAX = 1_024;
const QUEUE_CHARACTERS_MAX = 16_777_216;

/**
 * Returns the messages that are there, then each one that comes. It listens from the call on, not from the loop's first turn on.
 * @param {any[]} queue Those that are there.
 * @param {number} held How many of these do not count.
 * @param {{ on: (name: string, func: (message: any) => void) => () => void, status: () => { name: string }, failure: (code: string) => Error }} viewer
 *   `on` calls `func` for each `message`, and when it is `over`. `failure` makes the error with which the loop ends when too much waits.
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<any, void, void>}
 */
export function loop(queue, held, { on, status, failure }, signal) {
  const most = held + QUEUE_MAX;
  let left = QUEUE_CHARACTERS_MAX;
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
