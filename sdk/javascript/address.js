// Derives the server's address and the room's id from the page's address. Must not know sockets.

/**
 * Returns the WebSocket address of `url`, which may be relative to the page and may begin with http. Throws if `url` is invalid.
 * @param {string | URL} url
 * @returns {string}
 */
export function addressOf(url) {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace("http", "ws");
  return address.href;
}

/**
 * Returns the WebSocket address of `url`, or an empty string if `url` is invalid.
 * @param {string | URL} url
 */
export function knownAddressOf(url) {
  try {
    return addressOf(url);
  } catch {
    return "";
  }
}

/** Returns the room that the page's own address names with `?uuid=`, or an empty string. */
export function roomOfPage() {
  return new URLSearchParams(globalThis.location?.search ?? "").get("uuid") ?? "";
}
