// A room that this window owns, also after a reload: shows its opening, its status and its end in words. Must not know the
// messages of the room.

import { own as begin } from "/sdk/index.js";
import { showInvitation } from "./invitation.js";
import { addToBanner, showNotice, showRoom, showStanding, showStatus } from "./view.js";
import { standing, unreached } from "./words.js";

/** How long a room may take to open, in milliseconds. */
const OPENING_MS = 10_000;

/** @type {Record<string, [string, string]>} The title and text for the end of the ownership, by its reason. */
const ENDS = {
  ended: ["You ended the room", "All viewers were told."],
  unopened: ["No room could be opened", "The server does not answer, or takes no rooms at the moment. Is it still running?"],
  grace: ["The room is over", "This window was away for longer than a room waits. A new room gets a new link."],
  admin: ["The room was closed", "The operator of the server has closed it."],
  fault: ["The room is over", "Something in the server broke. A new room works, and gets a new link."],
};

/** @type {[string, string]} */
const OVER = ["The room is over", "The server has ended it, perhaps because it was restarted. A new room gets a new link."];

/** Returns the storage of this window; `undefined` if the browser forbids it. */
function storage() {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}

/**
 * Returns whether this window owned a room before a reload.
 * @param {string} name The name under which it stores the room and the room's key.
 */
export const owned = (name) => Boolean(storage()?.getItem(name));

/**
 * Opens a room, or owns the window's former room again, and shows it. Returns `undefined` if it fails.
 * @param {string} path Where the server's WebSocket is.
 * @param {string} name The name under which this window stores the room.
 * @param {{ live: string, over: () => void, options?: import("/sdk/index.js").HostOptions }} how `live`: the text of the
 *   status while the connection is live; `over` is called at the end.
 */
export async function own(path, name, { live, over, options }) {
  /** @param {string} reason */
  const end = (reason) => {
    storage()?.removeItem(name);
    over();
    const [title, text] = ENDS[reason] ?? OVER;
    showNotice(title, text);
  };
  showStatus("Opening a room…", "waiting");
  const opening = new AbortController();
  const late = setTimeout(() => opening.abort(), OPENING_MS);
  const room = begin(path, { ...options, storage: storage(), storageKey: name, signal: opening.signal });
  let isEnded = false;
  let wasIn = false;
  /** Why this window has not been in the room yet. */
  let hint = "";
  const isIn = await new Promise((resolve) => {
    room.status.subscribe(async (status) => {
      const { name: where, reason = "", why = "" } = status;
      if (where === "closed") {
        clearTimeout(late);
        end(isEnded ? "ended" : wasIn ? why || reason : "unopened");
        return resolve(false);
      }
      if (where === "elsewhere") {
        clearTimeout(late);
        const text = reason === "in_use" ? "This one is a copy of it. When the other one is closed, this one goes on." : "This one has handed the room over to it.";
        return showNotice("Another window presents", text, { label: "Present here", act: room.reconnect });
      }
      if (where === "live") {
        clearTimeout(late);
        wasIn = true;
        showRoom("presents");
        showInvitation(room.id);
        resolve(true);
      }
      showStanding(standing(status, live, true), room.reconnect);
      if (where !== "connecting" || !reason) return;
      // The hint about the last attempt stays until there is a newer one.
      if (hint) addToBanner(hint);
      hint = await unreached(path, status);
      if (room.status.value === status) addToBanner(hint);
    });
  });
  if (!isIn) return;
  return {
    room,
    /** Ends the room. */
    end() {
      isEnded = true;
      // Publishes the cause as a message before the end, for servers that do not send it.
      room.publish("bye", ["ended"]);
      room.close().catch(() => room.leave());
    },
  };
}
