// The room that a storage keeps for an owner: its key and its cursor, so that a reload owns it again. Must not know frames.

import { attempt } from "./attempt.js";

/**
 * What an owner needs to own its room again.
 * @typedef {object} Kept
 * @property {string} [room]
 * @property {string} [ownerKey]
 * @property {import("./store.js").Cursor} [cursor] It may be older than the owner's newest one: an older cursor proves less,
 *   and nothing false.
 */

/** How long a newer cursor waits to be written, in milliseconds. */
const WRITE_MS = 1_000;

/**
 * Returns what keeps one room in `storage` under `name`. Reports each error of the storage, and then writes no newer cursor.
 * @param {Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined} storage
 * @param {string} name
 * @param {() => Kept} newest Returns what the storage should hold.
 */
export function keeper(storage, name, newest) {
  /** Whether the storage holds this owner's room, as far as is known. */
  let isKept = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} Set while a newer cursor waits to be written. */
  let timer;

  /** Returns the text that the storage holds. */
  const text = () => storage?.getItem(name) ?? "{}";

  function settle() {
    clearTimeout(timer);
    timer = undefined;
  }

  function write() {
    settle();
    isKept = false;
    storage?.setItem(name, JSON.stringify(newest()));
    isKept = Boolean(storage);
  }

  /** Writes the newer cursor now, if one waits. */
  function flush() {
    if (timer === undefined) return;
    settle();
    attempt(() => {
      const held = text();
      // The program may have removed the room, or another page may keep its own room there.
      isKept &&= JSON.parse(held).room === newest().room;
      if (isKept && held !== JSON.stringify(newest())) write();
    });
  }

  return {
    flush,

    /** Returns what the storage holds; empty if it holds nothing, or nothing that can be read. */
    read() {
      let kept = /** @type {Kept} */ ({});
      attempt(() => {
        kept = JSON.parse(text()) ?? kept;
        isKept = Boolean(kept.room);
      });
      return kept;
    },

    /** Writes a new room now. */
    write: () => attempt(write),

    /** Writes the newest cursor within a second, if the storage holds this room. */
    writeSoon() {
      if (isKept) timer ??= setTimeout(flush, WRITE_MS);
    },

    /** Removes the room; nothing is written any more. */
    remove() {
      settle();
      isKept = false;
      attempt(() => storage?.removeItem(name));
    },
  };
}
