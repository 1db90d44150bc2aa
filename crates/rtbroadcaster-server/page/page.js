// Decides the role of this window: the start, a presenter, or a viewer of the room that its address names.

import { button } from "./element.js";
import { listenForCopying } from "./invitation.js";
import { startPresenting, wasPresenting } from "./presenter.js";
import { follow } from "./viewer.js";
import { showWelcome } from "./view.js";

const path = document.querySelector('meta[name="broadcasting-path"]')?.getAttribute("content") || "/broadcasting";
const room = new URLSearchParams(location.search).get("uuid");

listenForCopying();
button("start").addEventListener("click", () => startPresenting(path));
button("start-own").addEventListener("click", () => {
  // The address names a room that has ended; a presenter's address names none.
  history.replaceState(null, "", "/");
  startPresenting(path);
});

if (room) follow(path, room);
else if (wasPresenting()) startPresenting(path);
else showWelcome();
