export type Stretch = {
    epoch: string;
    from: number;
    to: number;
    why?: string;
};
export type Kept = {
    before: number;
    seq: number;
    text: string;
    hole?: string;
};
export type Answer = {
    how: "snapshot" | "resumed" | "reset";
    reason?: string;
    seq: number;
    replay: string[];
    rest: string[];
};
/**
 * Numbers that were seen under one epoch. `why` tells that the state was replaced since, and the server's reason for that.
 * @typedef {{ epoch: string, from: number, to: number, why?: string }} Stretch
 */
/**
 * A message: the number before it, its own, its text, and that of the `skipped` before it, if there was one.
 * @typedef {{ before: number, seq: number, text: string, hole?: string }} Kept
 */
/**
 * What an answer to a join says besides the room: `replay` are the texts that it announces, `rest` those that follow as live ones.
 * @typedef {{ how: "snapshot" | "resumed" | "reset", reason?: string, seq: number, replay: string[], rest: string[] }} Answer
 */
/** Returns the history of one room, as one viewer came to know it. */
export declare function roomHistory(): {
    /** Whether everything that was announced on the present connection has come. */
    isComplete: () => boolean;
    /** Whether a state is on its way. */
    isFilling: () => boolean;
    /** Whether newer values of what holds may be on their way. */
    isLagging: () => boolean;
    isIn: () => boolean;
    cursor: () => {
        epoch: string;
        seq: number;
    };
    /** The viewer's connection is gone. */
    cut(): void;
    /** Takes a frame and its text. @param {any} frame @param {string} text */
    take(frame: any, text: string): void;
    /**
     * Returns what a tab with this cursor gets, or nothing if this viewer cannot know what such a tab has seen.
     * @param {import("./store.js").Cursor | undefined} cursor
     * @param {boolean} [knowsLives] Whether another epoch may continue the cursor.
     * @returns {Answer | undefined}
     */
    answer(cursor: import("./store.js").Cursor | undefined, knowsLives?: boolean): Answer | undefined;
};
