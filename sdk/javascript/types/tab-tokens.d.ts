export type TabPort = import("./tab-port.js").TabPort;
export type TokenAnswer = {
    token?: string;
    error?: string;
};
/** @typedef {import("./tab-port.js").TabPort} TabPort */
/** @typedef {{ token?: string, error?: string }} TokenAnswer */
/**
 * Returns the requests for tokens to the tabs of one room.
 * @param {() => TabPort[]} ports Returns the ports of the tabs that have a `token` function, in the reverse order of asking.
 */
export declare function tabTokens(ports: () => TabPort[]): {
    /** Returns a token from one of the tabs. Rejects with an `Error` if no tab returns one. @returns {Promise<string>} */
    ask: () => Promise<string>;
    /** Takes the answer of a tab. @param {TokenAnswer & { answers: number }} answer */
    take: (answer: TokenAnswer & {
        answers: number;
    }) => void | undefined;
    /** Asks a new tab, if a request waits for one. */
    came(): void;
    /** Asks the next tab instead of one that has disconnected. @param {TabPort} port */
    gone(port: TabPort): void;
};
