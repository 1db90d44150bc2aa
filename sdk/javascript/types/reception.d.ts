export type Message = import("./store.js").Message;
export type Store = ReturnType<typeof import("./store.js").store>;
/**
 * @typedef {import("./store.js").Message} Message
 * @typedef {ReturnType<typeof import("./store.js").store>} Store
 */
/**
 * One viewer's reception.
 * @param {Store} state What it keeps up to date.
 * @param {(messages: Message[], isChanged: boolean) => void} pass Takes what came, after the state has it.
 * @param {(reset: { reason: string }) => void} reset Hears that events may be lost, before what follows from it.
 */
export declare function reception(state: Store, pass: (messages: Message[], isChanged: boolean) => void, reset: (reset: {
    reason: string;
}) => void): {
    /** How much is held of what was said. */
    size: () => number;
    /** Where to go on. */
    cursor: () => {
        epoch: string;
        seq: number;
    } | undefined;
    /** Whether another life may continue the cursor; `undefined` if not, since a false member is left out. */
    lives: () => true | undefined;
    /** The connection is gone. */
    cut(): void;
    /** Nothing will be sent from here on, or it is asked what was missed. @param {boolean} is */
    pause(is: boolean): void;
    /** Where it stands; empty while what it missed, or the answer, is on its way. */
    position: () => "" | "away" | "lagging" | "live";
    /** What else is known of that. */
    more: () => {
        since?: number | undefined;
        reset?: string | undefined;
    };
    /**
     * Takes a frame. Answers with a word if it does not fit to what came before: a resume brings what is missing.
     * @param {any} frame
     * @returns {string | void}
     */
    take(frame: any): string | void;
};
