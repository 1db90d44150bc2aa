// Questions to a server for a sign of life, and who waits for which answer; also that of each signal, since its refusal names none.
// Must not know sockets.

/**
 * Returns the questions on one connection after another.
 * @template Asker
 */
export function questions() {
  /** @type {Map<string, { asker: Asker, id: string }[]>} Those that are not answered, in their order, and who waits for each. */
  const open = new Map();
  /** @type {{ asker: Asker, id: string }[]} Signals that may still be refused: who said each, and the question behind it. */
  let signals = [];

  return {
    /** How many are not answered. */
    count: () => open.size,

    /** One is asked. @param {string} id */
    ask: (id) => void open.set(id, []),

    /** Somebody waits for the answer to the newest one. @param {Asker} asker @param {string} id What this one calls it. */
    wait: (asker, id) => void [...open.values()].at(-1)?.push({ asker, id }),

    /** A signal was said; `id` is the question behind it, empty if there is none. @param {Asker} asker @param {string} id */
    signal(asker, id) {
      // Without questions the newest signal is the likeliest one to be refused.
      if (!id) signals = [];
      signals.push({ asker, id });
    },

    /** Returns who waits for this answer. @param {string} id */
    answer(id) {
      const waiting = [];
      // Answers come in the order of the questions.
      for (const [one, askers] of open) {
        open.delete(one);
        waiting.push(...askers);
        if (one === id) break;
      }
      signals.splice(0, signals.findIndex((one) => one.id === id) + 1);
      return waiting;
    },

    /** Returns who said the signal that is refused now. */
    refuse: () => signals.shift()?.asker,

    /** The connection is gone. */
    clear() {
      open.clear();
      signals = [];
    },
  };
}
