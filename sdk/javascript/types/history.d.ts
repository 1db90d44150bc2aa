export type Stretch = {
    epoch: string;
    from: number;
    to: number;
    why?: string;
};
export type KeptMessage = {
    before: number;
    seq: number;
    text: string;
    gap?: string;
};
export type Answer = {
    how: "snapshot" | "resumed" | "reset";
    reason?: string;
    seq: number;
    replay: string[];
    rest: string[];
};
/**
 * A range of sequence numbers that were seen under one epoch. `why`: the server's reason for replacing the state since, if it did.
 * @typedef {{ epoch: string, from: number, to: number, why?: string }} Stretch
 */
/**
 * A message: the number before it, its own number, its text, and the text of the `skipped` frame before it, if there was one.
 * @typedef {{ before: number, seq: number, text: string, gap?: string }} KeptMessage
 */
/**
 * The answer to a cursor. `replay`: the texts that the `joined` frame announces. `rest`: the texts that follow as live ones.
 * @typedef {{ how: "snapshot" | "resumed" | "reset", reason?: string, seq: number, replay: string[], rest: string[] }} Answer
 */
/** Returns the history of one room, as one viewer received it. */
export declare function roomHistory(): {
    /** Returns whether all announced messages of the present connection have come. */
    isComplete: () => boolean;
    /** Returns whether a state is being received. */
    isFilling: () => boolean;
    /** Returns whether newer values of the state may still be to come. */
    isLagging: () => boolean;
    isIn: () => boolean;
    cursor: () => {
        epoch: string;
        seq: number;
    };
    /** Forgets what belongs to the viewer's lost connection. */
    cut(): void;
    /** Takes a frame and its text. @param {any} frame @param {string} text */
    take(frame: any, text: string): void;
    /**
     * Returns the answer for a tab with this cursor, or `undefined` if this viewer does not know the cursor's number.
     * @param {import("./store.js").Cursor | undefined} cursor
     * @param {boolean} [knowsLives] Whether another epoch may continue the cursor.
     * @returns {Answer | undefined}
     */
    answer(cursor: import("./store.js").Cursor | undefined, knowsLives?: boolean): Answer | undefined;
};
