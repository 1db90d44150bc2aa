export type Guard = {
    /**
     * Holds the room if no other window does. If one does, waits for its end.
     */
    ask: (room: string) => Promise<boolean>;
    /**
     * Holds the room, whoever else does.
     */
    hold: (room: string) => void;
    /**
     * Holds nothing, and waits for nothing.
     */
    release: () => void;
    /**
     * Whether it asks for the room when the page comes back.
     */
    isHolding: () => boolean;
};
/**
 * What a window does about the other ones.
 * @typedef {object} Guard
 * @property {(room: string) => Promise<boolean>} ask Holds the room if no other window does. If one does, waits for its end.
 * @property {(room: string) => void} hold Holds the room, whoever else does.
 * @property {() => void} release Holds nothing, and waits for nothing.
 * @property {() => boolean} isHolding Whether it asks for the room when the page comes back.
 */
/**
 * Returns the guard of one owner. It lets go while the page is away, so that the browser may keep the page for its way back.
 * @param {{ free: () => void, back: () => void, taken: (reason: string) => void, signal: AbortSignal }} told `free`: the window that
 *   held the room is gone, and this one holds it now. The page came back, and this one holds it again (`back`). Another window holds it
 *   (`taken`): it did when the page came back (`in_use`), or took it (`fenced`).
 * @returns {Guard}
 */
export declare function windows({ free, back, taken, signal }: {
    free: () => void;
    back: () => void;
    taken: (reason: string) => void;
    signal: AbortSignal;
}): Guard;
export type How = "ask" | "wait" | "take";
