// Gets tokens for the shared connection of several tabs from the tabs' `token` functions. Must not know what a token is for.

/**
 * How long a tab has to return a token before the next tab is asked, in milliseconds. Without a tab to ask, how long to wait for one.
 */
const TOKEN_MS = 3_000;

/** @typedef {import("./line.js").Line} Line */

/** @typedef {{ token?: string, error?: string }} Brought */

/**
 * Returns the requests for tokens to the tabs of one room.
 * @param {() => Line[]} lines Returns the ports of the tabs that have a `token` function, in the reverse order of asking.
 */
export function borrowed(lines) {
  /** @type {Map<number, { line?: Line, next: () => void, settle: (brought: Brought) => void }>} */
  const asked = new Map();
  let count = 0;

  return {
    /** Returns a token from one of the tabs. Rejects with an `Error` if no tab returns one. @returns {Promise<string>} */
    ask: () => new Promise((resolve, reject) => {
      const id = ++count;
      /** @type {Set<Line>} */
      const tried = new Set();
      /** @type {ReturnType<typeof setTimeout>} */
      let timer;
      const one = {
        line: /** @type {Line | undefined} */ (undefined),

        /** Asks the next tab, or waits for a new one. */
        next() {
          clearTimeout(timer);
          const line = (one.line = lines().filter((line) => !tried.has(line)).pop());
          if (line) line.say({ asks: id });
          if (line) tried.add(line);
          timer = setTimeout(line ? one.next : () => one.settle({ error: "no tab brings a token" }), TOKEN_MS);
        },

        /** @param {Brought} brought */
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

    /** Takes the answer of a tab. @param {Brought & { answers: number }} brought */
    take: (brought) => asked.get(brought.answers)?.settle(brought),

    /** Asks a new tab, if a request waits for one. */
    came() {
      for (const one of asked.values()) if (!one.line) one.next();
    },

    /** Asks the next tab instead of one that has disconnected. @param {Line} line */
    gone(line) {
      for (const one of asked.values()) if (one.line === line) one.next();
    },
  };
}
