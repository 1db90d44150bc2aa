// The worker's port to one tab: flow control, and detection of closed tabs. Must not know rooms.

/** How many unacknowledged characters a tab may have besides an answer that it asked for: a frozen tab acknowledges none. */
const UNACKED_MAX = 1_048_576;

/** The fixed cost of a frame, in characters. */
const FRAME_SIZE = 64;

/** How long the worker waits for the last messages of a tab after its lock is released, in milliseconds. */
const LAST_MS = 100;

/** The interval of pings to tabs that hold no lock, in milliseconds, and how many pings in a row they may leave unanswered. */
const PING_MS = 20_000;
const PINGS_MAX = 3;

/**
 * The first message of a tab.
 * @typedef {object} Hello
 * @property {string} address
 * @property {string} room
 * @property {string} [token]
 * @property {boolean} [hasTokens] Whether the tab has a `token` function, which the worker may call.
 * @property {{ firstMs?: number, maxMs?: number }} [reconnect]
 * @property {number} [answerTimeoutMs]
 * @property {string} [lock] The name of a lock that the tab holds while it is open.
 */

/**
 * The events of a port. `hello`: the tab sent its first message. `frame`: the tab sends a frame. `shown`: the tab was shown. `token`: the
 * tab answers a request for a token. `silent`: the tab does not answer pings. `gone`: the tab was closed, or disconnected; `isBack`:
 * whether it may reconnect.
 * @typedef {{ hello: (hello: Hello) => void, frame: (text: string) => void, shown: () => void,
 *   token: (answer: { answers: number, token?: string, error?: string }) => void, silent: () => void, gone: (isBack: boolean) => void }} PortEvents
 */

/** @typedef {ReturnType<typeof tabPort>} TabPort */

/**
 * Returns the port to one tab, and listens to it.
 * @param {MessagePort} port
 * @param {PortEvents} events
 * @param {LockManager} [locks]
 */
export function tabPort(port, events, locks) {
  /** How many characters were sent, how many the tab has acknowledged, and how many more than `UNTAKEN_MAX` may be unacknowledged. */
  let sent = 0;
  let taken = 0;
  let grace = 0;
  /** How many pings in a row the tab has not answered. */
  let unanswered = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let pulse;
  let isOver = false;

  const gone = () => void setTimeout(() => isOver || events.gone(false), LAST_MS);

  function schedulePing() {
    pulse = setTimeout(() => {
      if (unanswered++ >= PINGS_MAX) return events.silent();
      port.postMessage({ sign: true });
      schedulePing();
    }, PING_MS);
  }

  port.onmessage = ({ data: word }) => {
    if (isOver) return;
    unanswered = 0;
    if (typeof word === "string") return events.frame(word);
    if (word.taken >= 0) taken = word.taken;
    if (word.hello) {
      if (word.hello.lock && locks) void locks.request(word.hello.lock, gone);
      else schedulePing();
      events.hello(word.hello);
    }
    if (word.shown) events.shown();
    if (word.answers) events.token(word);
    if (word.bye) events.gone(true);
  };
  // Some browsers report that the other end of a port is closed.
  port.addEventListener("close", gone);

  return {
    /** Sends a message that is not a frame. @param {object} word */
    post: (word) => port.postMessage(word),

    /**
     * Sends frames. Returns false, and sends none, if the tab has too many unacknowledged characters.
     * @param {string[]} texts @param {boolean} [isAsked] Whether the tab asked for them: then any number is sent.
     */
    send(texts, isAsked) {
      for (const text of texts) sent += text.length + FRAME_SIZE;
      if (isAsked) grace = sent - taken;
      if (sent - taken > UNACKED_MAX + grace) return false;
      port.postMessage(texts);
      return true;
    },

    /** Ignores the port from now on. */
    end() {
      isOver = true;
      clearTimeout(pulse);
    },
  };
}
