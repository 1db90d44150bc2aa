// A room that this window owns, also after it was loaded again: how it opens, where it stands, how it ends, in words. Must
// not know what is said in it.

import { host } from "/sdk/index.js";
import { showInvitation } from "./invitation.js";
import { showNotice, showRoom, showStatus } from "./view.js";

/** How long a room may take to open, in milliseconds. */
const OPENING_MS = 10_000;

/** @type {Record<string, [string, string]>} Why this window owns the room no more. */
const ENDS = {
  ended: ["You ended the room", "All viewers were told."],
  unopened: ["No room could be opened", "The server does not answer, or takes no rooms at the moment. Is it still running?"],
  fenced: ["You go on in another window", "This one has handed the room over to it."],
};

/** @type {[string, string]} */
const OVER = ["The room is over", "The server has ended it, perhaps because it was restarted. A new room gets a new link."];

/**
 * Whether this window owned a room before it was loaded again.
 * @param {string} name Under which it keeps the room and the key of it.
 */
export const owned = (name) => sessionStorage.getItem(name) !== null;

/**
 * Opens a room, or comes back to the one that this window had, and shows it. Gives nothing if there is none.
 * @param {string} path Where the server's WebSocket is.
 * @param {string} name Under which this window keeps the room.
 * @param {{ live: string, over: () => void, options?: import("/sdk/index.js").HostOptions }} how `live`: what the status
 *   says while all is well; `over` is called at the end.
 */
export async function own(path, name, { live, over, options }) {
  /** @param {string} reason */
  const end = (reason) => {
    sessionStorage.removeItem(name);
    over();
    const [title, text] = ENDS[reason] ?? OVER;
    showNotice(title, text);
  };
  showStatus("Opening a room…", "waiting");
  const opening = new AbortController();
  const late = setTimeout(() => opening.abort(), OPENING_MS);
  const asked = { ...options, storage: sessionStorage, storageKey: name, signal: opening.signal };
  const room = await host(path, asked).catch(() => undefined);
  clearTimeout(late);
  if (!room) return end("unopened");
  let isEnded = false;
  room.on("status", ({ name, reason }) => {
    if (name === "closed") end(isEnded ? "ended" : (reason ?? ""));
    else if (name === "live") showStatus(live);
    else showStatus("Connection lost, coming back…", "waiting");
  });
  showRoom("presents");
  showStatus(live);
  showInvitation(room.id);
  return {
    room,
    /** Ends the room for everybody. */
    end() {
      isEnded = true;
      // Why comes before the end, as a message like any other: the protocol tells all ends alike.
      room.publish("bye", ["ended"]);
      room.close().catch(() => room.leave());
    },
  };
}
