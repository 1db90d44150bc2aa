export type Guard = {
    /**
     * Begins with the window's room, if it has one: asks for it if
     * `isAsking`, else takes it.
     */
    begin: (room: string, isAsking: boolean) => Promise<void>;
    /**
     * Takes the room, also from another window.
     */
    hold: (room: string) => void;
    /**
     * Called when the page is left. Returns whether this window asks for the room when the page is shown again.
     */
    hide: () => boolean;
    /**
     * Releases the room, and stops waiting for it.
     */
    end: () => void;
};
/**
 * The hold of one window on a room, against other windows.
 * @typedef {object} Guard
 * @property {(room: string, isAsking: boolean) => Promise<void>} begin Begins with the window's room, if it has one: asks for it if
 *   `isAsking`, else takes it.
 * @property {(room: string) => void} hold Takes the room, also from another window.
 * @property {() => boolean} hide Called when the page is left. Returns whether this window asks for the room when the page is shown again.
 * @property {() => void} end Releases the room, and stops waiting for it.
 */
/**
 * Returns the guard of one owner. It releases the room while the page is left, so that the browser may cache the page.
 * @param {{ again: () => void, standBy: (reason: string) => void, status: () => { name: string } }} owner `again`: called when this window holds
 *   the room. `rest`: called when another window holds it, since before (`in_use`) or since it took the room over (`fenced`).
 * @returns {Guard}
 */
export declare function windows({ again, standBy, status }: {
    again: () => void;
    standBy: (reason: string) => void;
    status: () => {
        name: string;
    };
}): Guard;
export type How = "ask" | "wait" | "take";
