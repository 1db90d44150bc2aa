// Applies a program's two abort signals: one for the wait to enter a room, one for the time in it. Must not know how rooms are entered.

import { aborted, quiet } from "./failure.js";

/** Returns whether one of the signals has aborted already. @param {{ signal?: AbortSignal, lifetime?: AbortSignal }} options */
export const isAborted = ({ signal, lifetime }) => signal?.aborted || lifetime?.aborted;

/**
 * Returns the public promise `entered`, and `over`, which stops listening to `lifetime`.
 * @param {Promise<void>} entered
 * @param {{ signal?: AbortSignal, lifetime?: AbortSignal }} options `signal` aborts the wait and has no effect after it. `lifetime` leaves
 *   the room whenever it aborts.
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
    // In a microtask: the caller needs the promise before it is rejected.
    if (signal?.aborted) queueMicrotask(abort);
    else signal?.addEventListener("abort", abort);
    if (lifetime?.aborted) queueMicrotask(stop);
    else lifetime?.addEventListener("abort", stop);
  });
  return { entered: quiet(promise), over };
}
