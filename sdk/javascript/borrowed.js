// Tokens for the one connection of several tabs, from the functions of the tabs. Must not know what a token is for.

/** How long a tab has to bring one before another tab is asked, and how long a tab is waited for if there is none, in milliseconds. */
const TOKEN_MS = 3_000;

/** @typedef {import("./line.js").Line} Line */

/** @typedef {{ token?: string, error?: string }} Brought */

/**
 * Returns what asks tabs for tokens.
 * @param {() => Line[]} lines Returns the lines to tabs that bring tokens, the best one last.
 */
export function borrowed(lines) {
  /** @type {Map<number, { line?: Line, next: () => void, settle: (brought: Brought) => void }>} */
  const asked = new Map();
  let count = 0;

  return {
    /** Asks for a token. @returns {Promise<string>} */
    ask: () => new Promise((resolve, reject) => {
      const id = ++count;
      /** @type {Set<Line>} */
      const tried = new Set();
      /** @type {ReturnType<typeof setTimeout>} */
      let timer;
      const one = {
        line: /** @type {Line | undefined} */ (undefined),

        /** Asks the next tab, or waits for one. */
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

    /** A tab has answered. @param {Brought & { answers: number }} brought */
    take: (brought) => asked.get(brought.answers)?.settle(brought),

    /** A tab has come. */
    came() {
      for (const one of asked.values()) if (!one.line) one.next();
    },

    /** A tab is gone. @param {Line} line */
    gone(line) {
      for (const one of asked.values()) if (one.line === line) one.next();
    },
  };
}
