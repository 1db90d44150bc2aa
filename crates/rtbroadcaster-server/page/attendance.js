// A room that this window watches: shows its status and its end in words. Must not know the messages of the room.

import { watch } from "/sdk/index.js";
import { addToBanner, showNotice, showRoom, showStanding, showStatus } from "./view.js";
import { standing, unreached } from "./words.js";

/** @type {[string, string]} */
const GONE = ["The presenter is gone", "Their connection was lost and did not come back, so the room has ended."];

/** @type {[string, string]} */
const ENDED = ["The presenter has ended the room", "Thank you for being there."];

/** @type {Record<string, [string, string]>} The title and text for the end of a room, by the cause of its end or by the reason of the connection's end. */
const ENDS = {
  owner: ENDED,
  grace: GONE,
  idle: ["The room has ended", "Nobody was in it any more."],
  admin: ["The room was closed", "The operator of the server has closed it."],
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
 * Watches a room, and shows it once the whole state has arrived.
 * @param {string} path Where the server's WebSocket is.
 * @param {string} uuid
 * @param {import("/sdk/index.js").ViewerOptions} [options]
 */
export function attend(path, uuid, options) {
  showStatus("Joining…", "waiting");
  const show = watch(path, uuid, options);
  /** The end that is shown if the server does not send a cause. */
  let end = "room_closed";
  /** Why this window has not been in the room yet. */
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
    // The hint about the last attempt stays until there is a newer one.
    if (hint) addToBanner(hint);
    hint = await unreached(path, status);
    if (show.status.value === status) addToBanner(hint);
  });
  show.on("bye", () => (end = "ended"));
  return show;
}
