// Writes log lines about a connection, for the option `debug`, which loads this module. Must not know what frames mean.

/** The members that no line shows: tokens, owner keys and viewer keys. Members of an application with these names are hidden too. */
const SECRETS = /"(token|ownerKey|viewer)"\s*:\s*(?:"(?:[^"\\]|\\.)*"|\{[^}]*\})/g;

/**
 * Returns the log that the option `debug` asks for.
 * @param {any} debug
 * @param {(error: unknown) => void} uncaught Reports an error that the program's log function throws.
 */
export function lines(debug, uncaught) {
  const { level: wanted, log = console.debug } =
    typeof debug === "function" ? { log: debug } : typeof debug === "string" ? { level: debug } : Object(debug);
  /** @param {string} line */
  const say = (line) => {
    try {
      log(`rtbroadcaster: ${line}`);
    } catch (error) {
      uncaught(error);
    }
  };
  return {
    say,
    /** Returns a class that logs the frames of its sockets, or `Socket` itself if frames are not to be logged. @param {any} Socket */
    logged: (Socket) => (wanted && wanted !== "status" ? logged(Socket, wanted, say) : Socket),
  };
}

/**
 * Returns a class that logs the frames of its sockets.
 * @param {any} Socket
 * @param {string} level `contents`: log frames as they are, without secrets. Any other: log their type and length.
 * @param {(line: string) => void} say
 */
function logged(Socket, level, say) {
  /** @param {string} direction @param {any} text */
  function logFrame(direction, text) {
    const kind = /"type":"(\w+)"/.exec(text)?.[1] ?? "?";
    const shown = level === "contents" ? `${text}`.replace(SECRETS, '"$1":"…"') : `${kind}, ${text.length} characters`;
    say(`${direction} ${shown}`);
  }
  return class extends Socket {
    /** @param {any[]} terms */
    constructor(...terms) {
      super(...terms);
      this.addEventListener("message", (/** @type {any} */ { data }) => logFrame("<", data));
    }
    /** @param {any} text */
    send(text) {
      logFrame(">", text);
      super.send(text);
    }
  };
}
