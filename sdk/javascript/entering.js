// How long a program waits to enter a room, and for how long it wants to be there. Must not know how rooms are entered.

import { aborted, quiet } from "./failure.js";

/** Whether it is over before it begins. @param {{ signal?: AbortSignal, lifetime?: AbortSignal }} options */
export const isAborted = ({ signal, lifetime }) => signal?.aborted || lifetime?.aborted;

/**
 * Returns the promise of entering, as one program sees it.
 * @param {Promise<void>} entered
 * @param {{ signal?: AbortSignal, lifetime?: AbortSignal }} options `signal` bounds the wait and means nothing behind it; `lifetime`
 *   ends the stay whenever it aborts.
 * @param {(code?: string) => void} leave
 */
export function entering(entered, { signal, lifetime }, leave) {
  const stop = () => leave();
  const over = () => lifetime?.removeEventListener?.("abort", stop);
  const promise = new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
    const abort = () => {
      const error = aborted(signal);
      reject(error);
      leave(error.code);
    };
    const settle = () => signal?.removeEventListener?.("abort", abort);
    entered.then(
      () => (settle(), resolve()),
      (error) => (settle(), reject(error)),
    );
    // Who waits for it listens first.
    if (signal?.aborted) queueMicrotask(abort);
    else signal?.addEventListener("abort", abort);
    if (lifetime?.aborted) queueMicrotask(stop);
    else lifetime?.addEventListener("abort", stop);
  });
  return { entered: quiet(promise), over };
}
