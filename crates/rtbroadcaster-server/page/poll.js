// Decides the role of this window of the poll: the start, the asker, or a voter in the room that its address names.

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
  // The address names a room that has ended; an asker's address names none.
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
