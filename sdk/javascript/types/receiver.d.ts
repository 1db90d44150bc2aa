export type Message = import("./store.js").Message;
export type Store = ReturnType<typeof import("./store.js").store>;
/**
 * @typedef {import("./store.js").Message} Message
 * @typedef {ReturnType<typeof import("./store.js").store>} Store
 */
/**
 * Returns the receiver of one viewer.
 * @param {Store} state The state to keep up to date.
 * @param {(messages: Message[], isChanged: boolean) => void} pass Takes received messages, after the state has them.
 * @param {(reset: { reason: string }) => void} reset Takes a reset, before the messages that follow from it.
 */
export declare function receiver(state: Store, pass: (messages: Message[], isChanged: boolean) => void, reset: (reset: {
    reason: string;
}) => void): {
    /** Returns the size of the state, in characters of frames. */
    size: () => number;
    /** Returns the cursor from which to resume. */
    cursor: () => {
        epoch: string;
        seq: number;
    } | undefined;
    /** Returns whether another life may continue the cursor; `undefined` if not, since JSON leaves that out. */
    lives: () => true | undefined;
    /** Forgets what belongs to the lost connection. */
    cut(): void;
    /** Records that the server was asked to pause, or to resume. @param {boolean} is Whether it was asked to pause. */
    pause(is: boolean): void;
    /** Returns the name of the status; empty while a replay, or the answer to `unpause`, is still to come. */
    position: () => "" | "away" | "lagging" | "live";
    /** Returns the other members of the status. */
    more: () => {
        since?: number | undefined;
        reset?: string | undefined;
    };
    /**
     * Takes a frame. Returns a reason to close the connection if the frame does not fit to the earlier ones; a resume then replays the
     * missing messages.
     * @param {any} frame
     * @returns {string | void}
     */
    take(frame: any): string | void;
};
