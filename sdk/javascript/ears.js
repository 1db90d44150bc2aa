// Who listens to what. Must not know where it comes from.

import { uncaught } from "./attempt.js";

/**
 * Who listens to one name.
 * @typedef {{ func: (...values: any[]) => void, hasThrown: boolean }} Ear
 */

/**
 * What may be given when listening begins.
 * @typedef {object} ListenOptions
 * @property {AbortSignal} [signal] Ends it.
 */

/** The listeners of one end. What one of them throws is reported once, and is lost on no other. */
export function ears() {
  /** @type {Map<string, Set<Ear>>} A map: `__proto__` is a name like any other. */
  const byName = new Map();

  /** @param {Ear} ear @param {any[]} values */
  function call(ear, values) {
    try {
      ear.func(...values);
    } catch (error) {
      // A listener that fails with each frame would bury everything else.
      if (!ear.hasThrown) uncaught(error);
      ear.hasThrown = true;
    }
  }

  return {
    /**
     * Calls `func` for `name` from now on, and at once for each of `first`. The answer ends it.
     * @param {string} name
     * @param {(...values: any[]) => void} func
     * @param {ListenOptions} [options]
     * @param {any[][]} [first]
     * @returns {() => void}
     */
    on(name, func, options, first = []) {
      if (typeof func !== "function") throw new TypeError("a listener is a function");
      const ear = { func, hasThrown: false };
      const known = byName.get(name) ?? new Set();
      byName.set(name, known.add(ear));
      const off = () => void known.delete(ear);
      if (options?.signal?.aborted) off();
      options?.signal?.addEventListener("abort", off, { once: true });
      for (const values of first) if (known.has(ear)) call(ear, values);
      return off;
    },

    /** Calls the listeners of `name`. Returns whether there were any. @param {string} name @param {any[]} values */
    emit(name, ...values) {
      const known = byName.get(name);
      // A copy: who begins to listen meanwhile got what holds now already.
      const all = [...(known ?? [])];
      for (const ear of all) if (known?.has(ear)) call(ear, values);
      return all.length > 0;
    },

    /** Nobody is called any more. */
    clear() {
      for (const known of byName.values()) known.clear();
    },
  };
}
