// The listeners of one client, by event name. Must not know where events come from.

import { uncaught } from "./safe-call.js";
import { badArgument } from "./failure.js";

/**
 * The options of a subscription.
 * @typedef {object} ListenOptions
 * @property {AbortSignal} [signal] Unsubscribes when it aborts.
 * @property {boolean} [once] Whether to call `func` for the first event only. Default false.
 */

/**
 * A value that changes. It is the same object until it changes.
 * @template T
 * @template [N=T] The type of later values.
 * @typedef {{ readonly value: T, subscribe: (func: (value: N) => void, options?: ListenOptions) => () => void }} Value `value`: the
 *   present value. `subscribe`: calls `func` with each later value, and returns a function that unsubscribes.
 */

/** Returns the listeners of one client. The first error that a listener throws is reported; the other listeners are called all the same. */
export function listeners() {
  /**
   * The listeners of each name, each with the function that unsubscribes it. A map: `__proto__` is a name like any other.
   * @type {Map<string, Map<(...values: any[]) => void, () => void>>}
   */
  const byName = new Map();

  return {
    /**
     * Subscribes `func` to `name`, and calls it with each of `first` in a microtask, before any later event. Returns a function that
     * unsubscribes.
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
        if (!known.has(listener)) return;
        if (once) off();
        try {
          func(...values);
        } catch (error) {
          // Once: a listener that fails with each frame would flood the console.
          if (!hasThrown) uncaught(error);
          hasThrown = true;
        }
      };
      const begin = () => {
        for (const values of first.splice(0)) call(...values);
      };
      /** @param {any[]} values */
      const listener = (...values) => {
        begin();
        call(...values);
      };
      const off = () => {
        // Names without listeners are removed: there may be any number of keys.
        if (known.delete(listener) && !known.size) byName.delete(name);
        signal?.removeEventListener?.("abort", off);
      };
      if (typeof func !== "function" || signal?.aborted) return off;
      byName.set(name, known.set(listener, off));
      signal?.addEventListener("abort", off);
      if (first.length) queueMicrotask(begin);
      return off;
    },

    /** Calls the listeners of `name`. Returns whether there were any. @param {string} name @param {any[]} values */
    emit(name, ...values) {
      // A copy: a listener that is added meanwhile has the present value already.
      const all = [...(byName.get(name)?.keys() ?? [])];
      for (const listener of all) listener(...values);
      return all.length > 0;
    },

    /** Removes all listeners. */
    clear() {
      for (const known of byName.values()) for (const off of known.values()) off();
    },
  };
}

/**
 * Returns a value for programs, which they can read and subscribe to.
 * @template T
 * @param {() => T} read
 * @param {ReturnType<typeof listeners>["on"]} on
 * @param {string} name The name of the event that reports its changes.
 * @returns {Value<T, any>}
 */
export const valueOf = (read, on, name) => ({
  get value() {
    return read();
  },
  subscribe: (func, options) => on(name, () => func(read()), options),
});
