// A room that this window watches: where it stands and how it ends, in words. Must not know what is said in it.

import { watch } from "/sdk/index.js";
import { addToBanner, showNotice, showRoom, showStanding, showStatus } from "./view.js";
import { standing, unreached } from "./words.js";

/** @type {[string, string]} */
const GONE = ["The presenter is gone", "Their connection was lost and did not come back, so the room has ended."];

/** @type {[string, string]} */
const ENDED = ["The presenter has ended the room", "Thank you for being there."];

/** @type {Record<string, [string, string]>} What became of the room, by why it ended or by the reason of the connection's end. */
const ENDS = {
  owner: ENDED,
  grace: GONE,
  idle: ["The room has ended", "Nobody was in it any more."],
  admin: ["The room was closed", "Whoever runs the server has closed it."],
  fault: ["The room has ended", "Something in the server broke. A new room works; this one is lost."],
  restart: ["The room has ended", "The server was restarted, and kept no rooms."],
  no_room: ["This room does not exist", "It may have ended, or the link is incomplete. Ask for a new one, or start your own."],
  gone: GONE,
  ended: ENDED,
  room_closed: ["The room has ended", "The presenter or the server has ended it."],
};

/** @type {[string, string]} */
const LOST = ["The connection was closed", "The server ended it. Load this page again to rejoin."];

/**
 * Watches a room, and shows it when the whole state is here.
 * @param {string} path Where the server's WebSocket is.
 * @param {string} uuid
 * @param {import("/sdk/index.js").ViewerOptions} [options]
 */
export function attend(path, uuid, options) {
  showStatus("Joining…", "waiting");
  const show = watch(path, uuid, options);
  /** How the room ends, as far as it is known where the server does not tell. */
  let end = "room_closed";
  /** Why it has never been in the room. */
  let hint = "";
  show.entered.then(() => showRoom("follows"), () => {});
  show.status.subscribe(async (status) => {
    const { name, reason = "", why = "" } = status;
    if (name === "closed") {
      const [title, text] = ENDS[why] ?? ENDS[reason === "room_closed" ? end : reason] ?? LOST;
      return showNotice(title, text);
    }
    if (end !== "ended") end = name === "away" ? "gone" : "room_closed";
    showStanding(standing(status, "Following", false), show.reconnect);
    if (name !== "connecting" || !reason || reason === "room_full") return;
    // What was found out about the last attempt stands until more is known.
    if (hint) addToBanner(hint);
    hint = await unreached(path, status);
    if (show.status.value === status) addToBanner(hint);
  });
  show.on("bye", () => (end = "ended"));
  return show;
}
