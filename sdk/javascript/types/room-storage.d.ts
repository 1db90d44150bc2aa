export type StoredRoom = {
    room?: string;
    ownerKey?: string;
    /**
     * It may be older than the owner's newest one. With an older cursor the server can detect
     * fewer lost messages, and reports no false loss.
     */
    cursor?: import("./store.js").Cursor;
};
/**
 * A stored room: everything that an owner needs to own it again.
 * @typedef {object} StoredRoom
 * @property {string} [room]
 * @property {string} [ownerKey]
 * @property {import("./store.js").Cursor} [cursor] It may be older than the owner's newest one. With an older cursor the server can detect
 *   fewer lost messages, and reports no false loss.
 */
/** Returns whether a value is a cursor that a server accepts. @param {any} cursor */
export declare function isCursor(cursor: any): "" | boolean;
/**
 * Returns the access to one room in `storage` under `name`. It reports each error of the storage, and then writes no newer cursor.
 * @param {Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined} storage
 * @param {string} name
 * @param {() => StoredRoom} newest Returns the room to store.
 */
export declare function roomStorage(storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined, name: string, newest: () => StoredRoom): {
    flush: () => void;
    /** Returns the stored room; empty if there is none with a room and a key. */
    read(): StoredRoom;
    /** Writes a new room now. */
    write(): void;
    /** Writes the newest cursor within a second, if the storage holds this room. */
    writeSoon(): void;
    /** Removes the room, and writes nothing any more. */
    remove: () => void;
};
