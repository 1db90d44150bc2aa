// Matches a server's pongs, and its refusals of signals, to the tabs that sent the pings and signals. Refusals of signals have no id: the
// pings around them give their order. Must not know sockets.

/**
 * Returns the unanswered pings on one connection after another.
 * @template Asker
 */
export function pings() {
  /** @type {Map<string, { asker: Asker, id: string }[]>} The unanswered pings in their order, each with the tabs that wait for its answer. */
  const open = new Map();
  /** @type {{ asker: Asker, id: string }[]} The signals that may still be refused, each with its tab and the ping after it. */
  let signals = [];

  return {
    /** Returns the number of unanswered pings. */
    count: () => open.size,

    /** Records a ping that was sent. @param {string} id */
    ask: (id) => void open.set(id, []),

    /** Has a tab wait for the answer to the newest ping. @param {Asker} asker @param {string} id The id of the tab's own ping. */
    wait: (asker, id) => void [...open.values()].at(-1)?.push({ asker, id }),

    /** Records a signal that was sent. @param {Asker} asker @param {string} id The ping after it; empty if there is none. */
    signal(asker, id) {
      // Without pings the newest signal is the one that was most likely refused.
      if (!id) signals = [];
      signals.push({ asker, id });
    },

    /** Returns the tabs that wait for this pong. @param {string} id */
    answer(id) {
      const waiting = [];
      // Pongs come in the order of the pings.
      for (const [one, askers] of open) {
        open.delete(one);
        waiting.push(...askers);
        if (one === id) break;
      }
      signals.splice(0, signals.findIndex((one) => one.id === id) + 1);
      return waiting;
    },

    /** Returns the tab whose signal is refused now. */
    refuse: () => signals.shift()?.asker,

    /** Forgets all pings and signals, since the connection is lost. */
    clear() {
      open.clear();
      signals = [];
    },
  };
}
