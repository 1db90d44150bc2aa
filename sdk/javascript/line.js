// The worker's end of the line to one tab: what is on its way there, and whether the tab is still there. Must not know rooms.

/** How many characters may be on their way to a tab besides an answer that it asked for: a frozen tab takes none. */
const UNTAKEN_MAX = 1_048_576;

/** What a frame counts besides its characters. */
const FRAME_SIZE = 64;

/** How long after its lock a tab is gone, in milliseconds: what it said last may come behind that. */
const LAST_MS = 100;

/** How often tabs that hold no lock are asked for a sign of life, in milliseconds, and how many of these they may miss. */
const SIGN_MS = 20_000;
const SIGNS_MAX = 3;

/**
 * What a tab says first.
 * @typedef {object} Hello
 * @property {string} address
 * @property {string} room
 * @property {string} [token]
 * @property {boolean} [hasTokens] Whether the tab brings a token when it is asked.
 * @property {{ firstMs?: number, maxMs?: number }} [reconnect]
 * @property {number} [answerTimeoutMs]
 * @property {string} [lock] The name of a lock that the tab holds while it is there.
 */

/**
 * What happens on a line. `hello`: the tab is ready to be served. `frame`: it says this to its server. `shown`: a person looks at it.
 * `token`: it answers a question for a token. `silent`: it is not heard any more. `gone`: it is not there any more, or hangs up;
 * `isBack` tells whether it may come again.
 * @typedef {{ hello: (hello: Hello) => void, frame: (text: string) => void, shown: () => void,
 *   token: (answer: { answers: number, token?: string, error?: string }) => void, silent: () => void, gone: (isBack: boolean) => void }} Told
 */

/** @typedef {ReturnType<typeof line>} Line */

/**
 * Begins a line.
 * @param {MessagePort} port
 * @param {Told} told
 * @param {LockManager} [locks]
 */
export function line(port, told, locks) {
  /** How many characters were sent, how many of them the tab has taken, and how many more may be on their way. */
  let sent = 0;
  let taken = 0;
  let grace = 0;
  /** How many signs of life the tab owes. */
  let missed = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let pulse;
  let isOver = false;

  const gone = () => void setTimeout(() => isOver || told.gone(false), LAST_MS);

  function askForSign() {
    pulse = setTimeout(() => {
      if (missed++ >= SIGNS_MAX) return told.silent();
      port.postMessage({ sign: true });
      askForSign();
    }, SIGN_MS);
  }

  port.onmessage = ({ data: word }) => {
    if (isOver) return;
    missed = 0;
    if (typeof word === "string") return told.frame(word);
    if (word.taken >= 0) taken = word.taken;
    if (word.hello) {
      if (word.hello.lock && locks) void locks.request(word.hello.lock, gone);
      else askForSign();
      told.hello(word.hello);
    }
    if (word.shown) told.shown();
    if (word.answers) told.token(word);
    if (word.bye) told.gone(true);
  };
  // Some browsers tell it.
  port.addEventListener("close", gone);

  return {
    /** Says something that is no frame. @param {object} word */
    say: (word) => port.postMessage(word),

    /**
     * Sends frames. Returns false if the tab does not take them.
     * @param {string[]} texts @param {boolean} [isAsked] Whether the tab asked for them, however many they are.
     */
    send(texts, isAsked) {
      for (const text of texts) sent += text.length + FRAME_SIZE;
      if (isAsked) grace = sent - taken;
      if (sent - taken > UNTAKEN_MAX + grace) return false;
      port.postMessage(texts);
      return true;
    },

    /** Hears nothing any more. */
    end() {
      isOver = true;
      clearTimeout(pulse);
    },
  };
}
