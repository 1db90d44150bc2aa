// Decides what this window of the poll is: the start, the one that asks, or one that votes in the room that its address names.

import { startAsking, wasAsking } from "./asker.js";
import { button, element, input } from "./element.js";
import { listenForCopying } from "./invitation.js";
import { showWelcome } from "./view.js";
import { vote } from "./voter.js";

const path = document.querySelector('meta[name="broadcasting-path"]')?.getAttribute("content") || "/broadcasting";
const room = new URLSearchParams(location.search).get("uuid");

listenForCopying();
button("start").addEventListener("click", () => startAsking(path));
button("start-own").addEventListener("click", () => {
  // The address names a room that is over; one's own has none.
  history.replaceState(null, "", location.pathname);
  startAsking(path);
});
element("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  const entered = input("code").value.trim();
  const code = /[?&]uuid=([^&#]+)/.exec(entered)?.[1] ?? encodeURIComponent(entered);
  if (code) location.assign(`${location.pathname}?uuid=${code}`);
});

if (room) vote(path, room);
else if (wasAsking()) startAsking(path);
else showWelcome();
