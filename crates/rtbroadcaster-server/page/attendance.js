// A room that this window watches: where it stands and how it ends, in words. Must not know what is said in it.

import { watch } from "/sdk/index.js";
import { showNotice, showRoom, showStatus } from "./view.js";

/** @type {Record<string, [string, string]>} What became of the room, by the reason the connection ended with. */
const ENDS = {
  no_room: ["This room does not exist", "It may have ended, or the link is incomplete. Ask for a new one, or start your own."],
  gone: ["The presenter is gone", "Their connection was lost and did not come back, so the room has ended."],
  ended: ["The presenter has ended the room", "Thank you for being there."],
  room_closed: ["The room has ended", "The presenter or the server has ended it."],
};

/** @type {[string, string]} */
const LOST = ["The connection was closed", "The server ended it. Load this page again to rejoin."];

/** @type {Record<string, string>} What is said of the connection while this window waits, by its status. */
const WAITING = {
  connecting: "No answer yet, trying again…",
  away: "The presenter is away…",
  lagging: "Catching up…",
  resuming: "Catching up…",
};

/**
 * Watches a room, and shows it when the whole state is here.
 * @param {string} path Where the server's WebSocket is.
 * @param {string} uuid
 */
export function attend(path, uuid) {
  showStatus("Joining…", "waiting");
  const show = watch(path, uuid);
  /** How the room ends, as far as it is known. */
  let end = "room_closed";
  show.entered.then(() => showRoom("follows"), () => {});
  show.on("status", ({ name, reason = "" }) => {
    if (name === "closed") {
      const [title, text] = ENDS[reason === "room_closed" ? end : reason] ?? LOST;
      return showNotice(title, text);
    }
    if (end !== "ended") end = name === "away" ? "gone" : "room_closed";
    if (name === "live") showStatus("Following");
    else if (reason === "room_full") showStatus("Waiting for a place…", "waiting");
    else showStatus(name === "resuming" && reason ? "Connection lost, coming back…" : (WAITING[name] ?? ""), "waiting");
  });
  show.on("bye", () => (end = "ended"));
  return show;
}
