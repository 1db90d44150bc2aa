// What passes over a connection, in lines for people. Loaded when somebody asks for it. Must not know what frames mean.

/** What no line shows. */
const SECRETS = /"(token|ownerKey|key)":"[^"]{32,}"/g;

/**
 * Returns a class that logs what its sockets carry.
 * @param {any} Socket
 * @param {string} level `contents` shows frames as they are, but for secrets; anything else their kind and length.
 * @param {(line: string) => void} log
 */
export function logged(Socket, level, log) {
  /** @param {string} way @param {any} text */
  function tell(way, text) {
    const kind = /"type":"(\w+)"/.exec(text)?.[1] ?? "?";
    const shown = level === "contents" ? `${text}`.replace(SECRETS, '"$1":"…"') : `${kind}, ${text.length} characters`;
    log(`rtbroadcaster: ${way} ${shown}`);
  }
  return class extends Socket {
    /** @param {any[]} terms */
    constructor(...terms) {
      super(...terms);
      this.addEventListener("message", (/** @type {any} */ { data }) => tell("<", data));
    }
    /** @param {any} text */
    send(text) {
      tell(">", text);
      super.send(text);
    }
  };
}
