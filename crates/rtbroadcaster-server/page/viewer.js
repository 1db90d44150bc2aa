// The window that follows: shows what the presenter says, and what became of the room. Must not know who presents.

import { RTBroadcaster } from "/sdk/rtbroadcaster.js";
import { element, hidePointer, input, lay, showHue, showPointer, showSlide, slideInWords } from "./deck.js";
import { showNotice, showRoom, showStatus } from "./view.js";

/** @type {Record<string, [string, string]>} What became of the room, by the reason the connection ended with. */
const ENDS = {
  "room not found": ["This room does not exist", "It may have ended, or the link is incomplete. Ask for a new one, or present yourself."],
  "room full": ["This room is full", "No more viewers fit in. Try again later, or present yourself."],
};

/** @type {Record<string, [string, string]>} What became of it, by the presenter's last word. */
const BYES = {
  ended: ["The presenter has ended the room", "Thank you for being there."],
  left: ["The presenter has left", "Their window was closed or loaded again, and the room ended with it."],
};

/** @type {[string, string]} */
const VANISHED = ["The presenter is gone", "Their connection was lost and did not come back, so the room has ended."];

/** @type {[string, string]} */
const LOST = ["The connection was closed", "The server ended it. Load this page again to rejoin."];

/**
 * Follows a room.
 * @param {string} path Where the server's WebSocket is.
 * @param {string} uuid
 */
export function follow(path, uuid) {
  lay();
  let bye = "";
  let wasConnected = false;
  input("hue").disabled = true;
  showStatus("Joining…", "waiting");
  const room = new RTBroadcaster(path, {
    uuid,
    onStatus: ({ status, reason }) => {
      if (status === "connected") {
        wasConnected = true;
        bye = "";
        showRoom("follows");
        showStatus("Following");
      }
      if (status === "reconnecting") {
        hidePointer();
        showStatus(reason === "room full" ? "Waiting for a place…" : wasConnected ? "Connection lost, coming back…" : "No answer yet, trying again…", "waiting");
      }
      if (status === "closed") showEnd(reason, bye);
    },
  });
  room.subscribe("slide", ([number]) => {
    showSlide(number);
    element("live").textContent = slideInWords();
  });
  room.subscribe("hue", ([hue]) => showHue(hue));
  room.subscribe("pointer", ([x, y]) => showPointer(x, y));
  room.subscribe("bye", ([how]) => (bye = String(how)));
}

/**
 * @param {string} reason
 * @param {string} bye
 */
function showEnd(reason, bye) {
  const [title, text] = reason === "room ended" ? (BYES[bye] ?? VANISHED) : (ENDS[reason] ?? LOST);
  showNotice(title, text);
}
