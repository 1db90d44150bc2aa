// Shows and hides the parts of the page, its status and its banner. Must not know the connection.

import { element } from "./element.js";

/** @typedef {import("./words.js").Standing} Standing */

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
 * @param {{ label: string, act: () => void }} [action] A button with another action.
 */
export function showNotice(title, text, action) {
  element("notice-title").textContent = title;
  element("notice-text").textContent = text;
  const button = element("notice-action");
  button.hidden = !action;
  button.textContent = action?.label ?? "";
  button.onclick = action?.act ?? null;
  element("start-own").className = action ? "quiet" : "primary";
  only("notice");
  showStatus("");
  element("notice").focus();
}

/**
 * @param {string} text
 * @param {Standing["look"]} [look]
 */
export function showStatus(text, look = "live") {
  const status = element("status");
  status.hidden = text === "";
  if (status.textContent !== text) status.textContent = text;
  status.className = `pill ${look}`;
  document.body.dataset.look = look;
  showBanner("");
}

/** @type {ReturnType<typeof setInterval> | undefined} */
let counting;

/**
 * Shows the status of the connection in all its parts.
 * @param {Standing} standing
 * @param {() => void} act Called by the banner's button.
 */
export function showStanding({ look, pill, banner = "", action, retryAt }, act) {
  showStatus(pill, look);
  showBanner(banner, action, act);
  if (retryAt === undefined) return;
  const count = () => {
    const seconds = Math.ceil((retryAt - Date.now()) / 1_000);
    element("banner-retry").textContent = seconds > 0 ? `Next try in ${seconds} s.` : "Trying now…";
  };
  count();
  element("banner").hidden = false;
  counting = setInterval(count, 1_000);
}

/**
 * Shows a text between the bar and the room.
 * @param {string} text
 * @param {string} [action]
 * @param {() => void} [act]
 */
export function showBanner(text, action, act) {
  clearInterval(counting);
  element("banner-retry").textContent = "";
  element("banner-text").textContent = text;
  element("banner").hidden = text === "";
  const button = element("banner-action");
  button.hidden = !action;
  button.textContent = action ?? "";
  button.onclick = act ?? null;
}

/** Shows a text in the banner without changing its button. @param {string} text */
export function addToBanner(text) {
  element("banner-text").textContent = text;
  element("banner").hidden = false;
}
