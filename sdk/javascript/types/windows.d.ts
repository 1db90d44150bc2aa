export type Guard = {
    /**
     * Begins with the room that the window has, if it has one: asks for
     * it, or holds it.
     */
    begin: (room: string, isAsking: boolean) => Promise<void>;
    /**
     * Holds the room, whoever else does.
     */
    hold: (room: string) => void;
    /**
     * The page is left. Returns whether this window asks for the room when the page comes back.
     */
    hide: () => boolean;
    /**
     * Holds nothing, and waits for nothing.
     */
    end: () => void;
};
/**
 * What a window does about the other ones.
 * @typedef {object} Guard
 * @property {(room: string, isAsking: boolean) => Promise<void>} begin Begins with the room that the window has, if it has one: asks for
 *   it, or holds it.
 * @property {(room: string) => void} hold Holds the room, whoever else does.
 * @property {() => boolean} hide The page is left. Returns whether this window asks for the room when the page comes back.
 * @property {() => void} end Holds nothing, and waits for nothing.
 */
/**
 * Returns the guard of one owner. It lets go while the page is away, so that the browser may keep the page for its way back.
 * @param {{ again: () => void, rest: (reason: string) => void, status: () => { name: string } }} owner `again`: this window holds the room
 *   now. `rest`: another window holds it: it did when this one asked (`in_use`), or took it (`fenced`).
 * @returns {Guard}
 */
export declare function windows({ again, rest, status }: {
    again: () => void;
    rest: (reason: string) => void;
    status: () => {
        name: string;
    };
}): Guard;
export type How = "ask" | "wait" | "take";
