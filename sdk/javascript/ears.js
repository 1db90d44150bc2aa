// Who listens to what. Must not know where it comes from.

import { uncaught } from "./attempt.js";
import { badArgument } from "./failure.js";

/**
 * What may be given when listening begins.
 * @typedef {object} ListenOptions
 * @property {AbortSignal} [signal] Ends it.
 * @property {boolean} [once] Whether it ends with the first call.
 */

/**
 * A value that changes: the same one until it does.
 * @template T
 * @template [N=T] What the newer ones are.
 * @typedef {{ readonly value: T, subscribe: (func: (value: N) => void, options?: ListenOptions) => () => void }} Value `value` is what it
 *   is now. `subscribe` calls `func` with each newer one; the answer ends it.
 */

/** The listeners of one end. What one of them throws is reported once, and is lost on no other. */
export function ears() {
  /** @type {Map<string, Map<(...values: any[]) => void, () => void>>} Each with its end. A map: `__proto__` is a name like any other. */
  const byName = new Map();

  return {
    /**
     * Calls `func` for `name` from now on, and soon, before anything else, for each of `first`. The answer ends it.
     * @param {string} name
     * @param {(...values: any[]) => void} func
     * @param {ListenOptions} [options]
     * @param {any[][]} [first]
     * @returns {() => void}
     */
    on(name, func, { signal, once } = {}, first = []) {
      if (typeof func !== "function") uncaught(badArgument("A listener is a function."));
      const known = byName.get(name) ?? new Map();
      let hasThrown = false;
      /** @param {any[]} values */
      const call = (...values) => {
        if (!known.has(ear)) return;
        if (once) off();
        try {
          func(...values);
        } catch (error) {
          // A listener that fails with each frame would bury everything else.
          if (!hasThrown) uncaught(error);
          hasThrown = true;
        }
      };
      const begin = () => {
        for (const values of first.splice(0)) call(...values);
      };
      /** @param {any[]} values */
      const ear = (...values) => {
        begin();
        call(...values);
      };
      const off = () => {
        // Names of keys have no end.
        if (known.delete(ear) && !known.size) byName.delete(name);
        signal?.removeEventListener?.("abort", off);
      };
      if (typeof func !== "function" || signal?.aborted) return off;
      byName.set(name, known.set(ear, off));
      signal?.addEventListener("abort", off);
      if (first.length) queueMicrotask(begin);
      return off;
    },

    /** Calls the listeners of `name`. Returns whether there were any. @param {string} name @param {any[]} values */
    emit(name, ...values) {
      // A copy: who begins to listen meanwhile got what holds now already.
      const all = [...(byName.get(name)?.keys() ?? [])];
      for (const ear of all) ear(...values);
      return all.length > 0;
    },

    /** Nobody is called any more. */
    clear() {
      for (const known of byName.values()) for (const off of known.values()) off();
    },
  };
}

/**
 * A value that others read and wait for.
 * @template T
 * @param {() => T} read
 * @param {ReturnType<typeof ears>["on"]} on
 * @param {string} name That of its changes.
 * @returns {Value<T, any>}
 */
export const valueOf = (read, on, name) => ({
  get value() {
    return read();
  },
  subscribe: (func, options) => on(name, () => func(read()), options),
});
