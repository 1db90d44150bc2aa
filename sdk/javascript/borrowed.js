// Tokens for the one connection of several tabs, from the functions of the tabs. Must not know what a token is for.

/** How long a tab has to bring one before another tab is asked, in milliseconds. */
const TOKEN_MS = 3_000;

/**
 * Returns what asks tabs for tokens.
 * @param {() => import("./line.js").Line[]} lines Returns the lines to tabs that bring tokens, the best one last.
 */
export function borrowed(lines) {
  /** @type {Map<number, (answer: { token?: string, error?: string }) => void>} */
  const asked = new Map();
  let count = 0;

  return {
    /** Asks for a token. @returns {Promise<string>} */
    ask() {
      const rest = lines();
      return new Promise((resolve, reject) => {
        const id = ++count;
        /** @type {ReturnType<typeof setTimeout>} */
        let timer;
        /** @param {{ token?: string, error?: string }} answer */
        function settle({ token, error }) {
          clearTimeout(timer);
          asked.delete(id);
          if (error === undefined) resolve(/** @type {string} */ (token));
          else reject(new Error(error));
        }
        function next() {
          const line = rest.pop();
          if (!line) return settle({ error: "no tab brings a token" });
          line.say({ asks: id });
          timer = setTimeout(next, TOKEN_MS);
        }
        asked.set(id, settle);
        next();
      });
    },

    /** A tab has answered. @param {{ answers: number, token?: string, error?: string }} answer */
    take: (answer) => asked.get(answer.answers)?.(answer),
  };
}
