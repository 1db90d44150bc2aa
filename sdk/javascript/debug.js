// What happens on a connection, in lines for people. Loaded when somebody asks for it. Must not know what frames mean.

/** What no line shows: tokens, owner keys, and what proves who a viewer is. What an application calls so is not shown either. */
const SECRETS = /"(token|ownerKey|viewer)"\s*:\s*(?:"(?:[^"\\]|\\.)*"|\{[^}]*\})/g;

/**
 * Returns what an option `debug` wants.
 * @param {any} debug
 * @param {(error: unknown) => void} uncaught Reports what a log throws.
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
    /** Returns a class that logs what its sockets carry, if that is wanted. @param {any} Socket */
    logged: (Socket) => (wanted && wanted !== "status" ? logged(Socket, wanted, say) : Socket),
  };
}

/**
 * Returns a class that logs what its sockets carry.
 * @param {any} Socket
 * @param {string} level `contents` shows frames as they are, but for secrets; anything else their kind and length.
 * @param {(line: string) => void} say
 */
function logged(Socket, level, say) {
  /** @param {string} way @param {any} text */
  function tell(way, text) {
    const kind = /"type":"(\w+)"/.exec(text)?.[1] ?? "?";
    const shown = level === "contents" ? `${text}`.replace(SECRETS, '"$1":"…"') : `${kind}, ${text.length} characters`;
    say(`${way} ${shown}`);
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
