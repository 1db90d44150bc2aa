export type Line = import("./line.js").Line;
export type Brought = {
    token?: string;
    error?: string;
};
/** @typedef {import("./line.js").Line} Line */
/** @typedef {{ token?: string, error?: string }} Brought */
/**
 * Returns what asks tabs for tokens.
 * @param {() => Line[]} lines Returns the lines to tabs that bring tokens, the best one last.
 */
export declare function borrowed(lines: () => Line[]): {
    /** Asks for a token. @returns {Promise<string>} */
    ask: () => Promise<string>;
    /** A tab has answered. @param {Brought & { answers: number }} brought */
    take: (brought: Brought & {
        answers: number;
    }) => void | undefined;
    /** A tab has come. */
    came(): void;
    /** A tab is gone. @param {Line} line */
    gone(line: Line): void;
};
