// Keeps an owner's room, key and cursor in a storage, so that the owner resumes after a reload. Must not know frames.

import { callSafely } from "./safe-call.js";
import { bytesOf } from "./validation.js";
import { isWhole, WRITE_MS } from "./limits.js";

/**
 * A stored room: everything that an owner needs to own it again.
 * @typedef {object} StoredRoom
 * @property {string} [room]
 * @property {string} [ownerKey]
 * @property {import("./store.js").Cursor} [cursor] It may be older than the owner's newest one. With an older cursor the server can detect
 *   fewer lost messages, and reports no false loss.
 */

/** Returns whether a value is a cursor that a server accepts. @param {any} cursor */
export function isCursor(cursor) {
  const { epoch, seq } = cursor ?? {};
  return typeof epoch === "string" && epoch && bytesOf(epoch) <= 32 && isWhole(seq, 0);
}

/**
 * Returns the access to one room in `storage` under `name`. It reports each error of the storage, and then writes no newer cursor.
 * @param {Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined} storage
 * @param {string} name
 * @param {() => StoredRoom} newest Returns the room to store.
 */
export function roomStorage(storage, name, newest) {
  /** Whether the storage holds this owner's room, as far as this page knows. */
  let isKept = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} Set while a newer cursor waits to be written. */
  let timer;

  /** Returns the stored text. */
  const text = () => storage?.getItem(name) ?? "{}";

  const put = () => storage?.setItem(name, JSON.stringify(newest()));

  /** Runs an operation on the storage, which returns whether the storage then holds this owner's room. @param {() => unknown} func */
  function keep(func) {
    isKept = false;
    callSafely(() => {
      isKept = Boolean(func());
    });
  }

  /** Writes the newer cursor now, if there is one. */
  function flush() {
    clearTimeout(timer);
    timer = undefined;
    if (!isKept) return;
    keep(() => {
      const held = text();
      // The program may have removed the room, or another page may keep its own room there.
      const isOurs = JSON.parse(held).room === newest().room;
      if (isOurs && held !== JSON.stringify(newest())) put();
      return isOurs;
    });
  }

  return {
    flush,

    /** Returns the stored room; empty if there is none with a room and a key. */
    read() {
      let kept = /** @type {StoredRoom} */ ({});
      keep(() => {
        const { room, ownerKey, cursor } = JSON.parse(text()) ?? kept;
        const isRoom = [room, ownerKey].every((one) => typeof one === "string" && /^[!-~]{1,128}$/.test(one));
        if (isRoom) kept = { room, ownerKey, cursor: isCursor(cursor) ? cursor : undefined };
        return isRoom;
      });
      return kept;
    },

    /** Writes a new room now. */
    write() {
      keep(() => {
        put();
        return storage;
      });
    },

    /** Writes the newest cursor within a second, if the storage holds this room. */
    writeSoon() {
      if (isKept) timer ??= setTimeout(flush, WRITE_MS);
    },

    /** Removes the room, and writes nothing any more. */
    remove: () => keep(() => storage?.removeItem(name)),
  };
}
