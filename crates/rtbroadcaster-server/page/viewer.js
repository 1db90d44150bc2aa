// The window that follows: shows the presenter's messages.

import { attend } from "./attendance.js";
import { hidePointer, lay, showHue, showPointer, showSlide, slideInWords } from "./deck.js";
import { element, input } from "./element.js";

/**
 * Follows a room.
 * @param {string} path Where the server's WebSocket is.
 * @param {string} uuid
 */
export function follow(path, uuid) {
  lay();
  input("hue").disabled = true;
  const show = attend(path, uuid);
  show.status.subscribe(({ name }) => {
    if (name !== "live") hidePointer();
  });
  show.on("slide", (number) => {
    showSlide(number);
    element("live").textContent = slideInWords();
  });
  show.on("hue", showHue);
  show.on("pointer", showPointer);
}
