export type Kept = {
    room?: string;
    ownerKey?: string;
    /**
     * It may be older than the owner's newest one: an older cursor proves less,
     * and nothing false.
     */
    cursor?: import("./store.js").Cursor;
};
/**
 * What an owner needs to own its room again.
 * @typedef {object} Kept
 * @property {string} [room]
 * @property {string} [ownerKey]
 * @property {import("./store.js").Cursor} [cursor] It may be older than the owner's newest one: an older cursor proves less,
 *   and nothing false.
 */
/** Whether a server can understand the cursor. @param {any} cursor */
export declare function isCursor(cursor: any): "" | boolean;
/**
 * Returns what keeps one room in `storage` under `name`. Reports each error of the storage, and then writes no newer cursor.
 * @param {Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined} storage
 * @param {string} name
 * @param {() => Kept} newest Returns what the storage should hold.
 */
export declare function keeper(storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined, name: string, newest: () => Kept): {
    flush: () => void;
    /** Returns what the storage holds; empty if it holds nothing, or no room and key. */
    read(): Kept;
    /** Writes a new room now. */
    write(): void;
    /** Writes the newest cursor within a second, if the storage holds this room. */
    writeSoon(): void;
    /** Removes the room; nothing is written any more. */
    remove: () => void;
};
