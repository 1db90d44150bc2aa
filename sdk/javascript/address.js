// Where to connect and to which room, from what the page says. Must not know sockets.

/**
 * The WebSocket address of `url`, which may be relative to the page and may begin with http.
 * @param {string | URL} url
 * @returns {string}
 */
export function addressOf(url) {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace("http", "ws");
  return address.href;
}

/**
 * The same; an empty string if `url` is none.
 * @param {string | URL} url
 */
export function knownAddressOf(url) {
  try {
    return addressOf(url);
  } catch {
    return "";
  }
}

/** The room that the page's own address names with `?uuid=`, or an empty string. */
export function roomOfPage() {
  return new URLSearchParams(globalThis.location?.search ?? "").get("uuid") ?? "";
}
