// Gets tokens for the shared connection of several tabs from the tabs' `token` functions. Must not know what a token is for.

/**
 * How long a tab has to return a token before the next tab is asked, in milliseconds. Without a tab to ask, how long to wait for one.
 */
const TOKEN_MS = 3_000;

/** @typedef {import("./tab-port.js").TabPort} TabPort */

/** @typedef {{ token?: string, error?: string }} TokenAnswer */

/**
 * Returns the requests for tokens to the tabs of one room.
 * @param {() => TabPort[]} ports Returns the ports of the tabs that have a `token` function, in the reverse order of asking.
 */
export function tabTokens(ports) {
  /** @type {Map<number, { port?: TabPort, next: () => void, settle: (answer: TokenAnswer) => void }>} */
  const asked = new Map();
  let count = 0;

  return {
    /** Returns a token from one of the tabs. Rejects with an `Error` if no tab returns one. @returns {Promise<string>} */
    ask: () => new Promise((resolve, reject) => {
      const id = ++count;
      /** @type {Set<TabPort>} */
      const tried = new Set();
      /** @type {ReturnType<typeof setTimeout>} */
      let timer;
      const one = {
        port: /** @type {TabPort | undefined} */ (undefined),

        /** Asks the next tab, or waits for a new one. */
        next() {
          clearTimeout(timer);
          const port = (one.port = ports().filter((port) => !tried.has(port)).pop());
          if (port) port.post({ asks: id });
          if (port) tried.add(port);
          timer = setTimeout(port ? one.next : () => one.settle({ error: "no tab brings a token" }), TOKEN_MS);
        },

        /** @param {TokenAnswer} answer */
        settle({ token, error }) {
          clearTimeout(timer);
          asked.delete(id);
          if (error === undefined) resolve(/** @type {string} */ (token));
          else reject(new Error(error));
        },
      };
      asked.set(id, one);
      one.next();
    }),

    /** Takes the answer of a tab. @param {TokenAnswer & { answers: number }} answer */
    take: (answer) => asked.get(answer.answers)?.settle(answer),

    /** Asks a new tab, if a request waits for one. */
    came() {
      for (const one of asked.values()) if (!one.port) one.next();
    },

    /** Asks the next tab instead of one that has disconnected. @param {TabPort} port */
    gone(port) {
      for (const one of asked.values()) if (one.port === port) one.next();
    },
  };
}
