// Which part of the page is seen, and what it says about the connection. Must not know the connection.

import { element } from "./element.js";

const SECTIONS = ["welcome", "notice", "room"];

/** @param {"welcome" | "notice" | "room"} name */
function only(name) {
  for (const section of SECTIONS) element(section).hidden = section !== name;
  document.body.dataset.view = name;
}

export function showWelcome() {
  only("welcome");
  showStatus("");
}

/** @param {"presents" | "follows"} role */
export function showRoom(role) {
  document.body.className = role;
  element("side").hidden = role !== "presents";
  only("room");
}

/**
 * Shows a message instead of the room, and moves the focus to it so that it is read out.
 * @param {string} title
 * @param {string} text
 */
export function showNotice(title, text) {
  element("notice-title").textContent = title;
  element("notice-text").textContent = text;
  only("notice");
  showStatus("");
  element("notice").focus();
}

/**
 * @param {string} text
 * @param {"live" | "waiting"} [how]
 */
export function showStatus(text, how = "live") {
  const status = element("status");
  status.hidden = text === "";
  if (status.textContent !== text) status.textContent = text;
  status.classList.toggle("waiting", how === "waiting");
}
