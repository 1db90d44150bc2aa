// The viewers' link: as text, as a button that copies it, as a QR code. Must not know the connection.

import { button, element, input } from "./element.js";

/** How long "Copied" is shown, in milliseconds. */
const COPIED_MS = 2_000;

/** @param {string} room */
export function showInvitation(room) {
  const link = new URL(location.pathname, location.href);
  link.searchParams.set("uuid", room);
  input("link").value = link.href;
  // Not every page shows the room's name separately.
  const code = document.getElementById("room-code");
  if (code) code.textContent = room;
  const picture = /** @type {HTMLImageElement} */ (element("qr"));
  picture.src = `/qr.svg?url=${encodeURIComponent(link.href)}`;
  picture.hidden = false;
  element("local").hidden = !isLoopback(location.hostname);
}

/** @param {string} host */
function isLoopback(host) {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127\./.test(host);
}

/** Makes the button copy the link. */
export function listenForCopying() {
  input("link").addEventListener("focus", () => input("link").select());
  button("copy").addEventListener("click", async () => {
    const isCopied = await copy(input("link"));
    button("copy").textContent = isCopied ? "Copied" : "Press Ctrl+C";
    element("live").textContent = isCopied ? "The link is copied." : "";
    setTimeout(() => (button("copy").textContent = "Copy"), COPIED_MS);
  });
}

/**
 * @param {HTMLInputElement} field
 * @returns {Promise<boolean>}
 */
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    // A page by plain HTTP from the local network has no clipboard API; selecting and the old command still work.
    field.select();
    return document.execCommand("copy");
  }
}
