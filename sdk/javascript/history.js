// Keeps a room's state and newest messages as texts, and answers cursors as a server does. Takes frames that a viewer has accepted.
// Must not know tabs, sockets or time.

/** The maximum number of messages kept, and of their characters. Both are a server's defaults. */
const MESSAGES_MAX = 1_024;
const CHARACTERS_MAX = 1_048_576;

/** The maximum number of stretches kept. */
const STRETCHES_MAX = 64;

/**
 * A range of sequence numbers that were seen under one epoch. `why`: the server's reason for replacing the state since, if it did.
 * @typedef {{ epoch: string, from: number, to: number, why?: string }} Stretch
 */

/**
 * A message: the number before it, its own number, its text, and the text of the `skipped` frame before it, if there was one.
 * @typedef {{ before: number, seq: number, text: string, gap?: string }} KeptMessage
 */

/**
 * The answer to a cursor. `replay`: the texts that the `joined` frame announces. `rest`: the texts that follow as live ones.
 * @typedef {{ how: "snapshot" | "resumed" | "reset", reason?: string, seq: number, replay: string[], rest: string[] }} Answer
 */

/** Returns the history of one room, as one viewer received it. */
export function roomHistory() {
  let epoch = "";
  let seq = 0;
  /** @type {Map<string, { seq: number, text: string }>} The newest value of each key, in the order of last change. */
  let values = new Map();
  /** @type {KeptMessage[]} */
  let messages = [];
  /** The number of characters of the kept messages. */
  let size = 0;
  /** @type {Stretch[]} The newest first. */
  const stretches = [];
  /** Whether the viewer is in the room on its present connection. */
  let isIn = false;
  let hasHeartbeat = true;
  /** @type {{ epoch: string, frame: any, left: number, values: typeof values } | undefined} The state that is being received. */
  let incoming;
  /** How many replayed messages are still to come. */
  let missing = 0;
  /** @type {{ text: string, through: number } | undefined} Skipped numbers before the next message, which has not come. */
  let gap;
  /** The number up to which each superseded value has its newer one, and the number that ends the lag: as in the receiver. */
  let tear = 0;
  let lag = 0;

  /** Begins another epoch, which continues the same numbers. @param {string} next */
  function renew(next) {
    if (next === epoch) return;
    const [last] = stretches;
    last.to = seq;
    stretches.unshift({ ...last, epoch: next });
    epoch = next;
  }

  /** @param {any} frame */
  function begin(frame) {
    gap = undefined;
    incoming = { epoch: frame.epoch, frame, left: frame.replay, values: new Map() };
    complete();
  }

  function complete() {
    if (!incoming || incoming.left) return;
    const { frame } = incoming;
    if (stretches.length) stretches[0].to = seq;
    for (const one of stretches) one.why ??= frame.reason ?? "epoch";
    ({ values, epoch } = incoming);
    seq = frame.seq;
    stretches.unshift({ epoch, from: seq, to: seq });
    stretches.splice(STRETCHES_MAX);
    messages = [];
    incoming = undefined;
    size = tear = lag = 0;
  }

  /** @param {any} frame @param {string} text */
  function add(frame, text) {
    messages.push({ before: seq, seq: frame.seq, text, gap: gap?.text });
    size += text.length;
    while (messages.length > MESSAGES_MAX || size > CHARACTERS_MAX) size -= /** @type {KeptMessage} */ (messages.shift()).text.length;
    seq = frame.seq;
    if (frame.state || frame.cleared) values.delete(frame.key);
    if (frame.state) values.set(frame.key, { seq, text });
    lag = gap && !missing ? Infinity : hasHeartbeat ? lag : 0;
    heal();
    gap = undefined;
    if (missing) missing -= 1;
  }

  function heal() {
    if (seq >= tear) tear = 0;
    if (seq >= lag) lag = 0;
  }

  const texts = () => [...values.values()].map(({ text }) => text);

  return {
    /** Returns whether all announced messages of the present connection have come. */
    isComplete: () => isIn && !incoming && !missing,

    /** Returns whether a state is being received. */
    isFilling: () => Boolean(incoming),

    /** Returns whether newer values of the state may still be to come. */
    isLagging: () => lag > 0 || tear > 0,

    isIn: () => isIn,

    cursor: () => ({ epoch, seq }),

    /** Forgets what belongs to the viewer's lost connection. */
    cut() {
      isIn = false;
      incoming = gap = undefined;
      missing = lag = 0;
    },

    /** Takes a frame and its text. @param {any} frame @param {string} text */
    take(frame, text) {
      switch (frame.type) {
        case "joined":
          isIn = true;
          hasHeartbeat = frame.aliveMs > 0;
          if (frame.how !== "resumed") return begin(frame);
          missing = frame.replay;
          return renew(frame.epoch);
        case "reset":
          lag = Infinity;
          return begin(frame);
        case "skipped":
          gap = { text, through: frame.through };
          tear = Math.max(tear, frame.until ?? Infinity);
          return;
        case "message":
          if (incoming) {
            incoming.left -= 1;
            incoming.values.set(frame.key, { seq: frame.seq, text });
            return complete();
          }
          if (frame.seq) add(frame, text);
          return;
        case "owner":
          if (frame.epoch && incoming) incoming.epoch = frame.epoch;
          else if (frame.epoch) renew(frame.epoch);
          return;
        case "alive":
          if (incoming || !isIn) return;
          if (tear === Infinity) tear = frame.seq;
          if (lag === Infinity) lag = frame.seq;
          heal();
      }
    },

    /**
     * Returns the answer for a tab with this cursor, or `undefined` if this viewer does not know the cursor's number.
     * @param {import("./store.js").Cursor | undefined} cursor
     * @param {boolean} [knowsLives] Whether another epoch may continue the cursor.
     * @returns {Answer | undefined}
     */
    answer(cursor, knowsLives) {
      if (!cursor) return { how: "snapshot", seq, replay: texts(), rest: [] };
      const at = cursor.seq;
      const found = stretches.find((one, n) => one.epoch === cursor.epoch && one.from <= at && at <= (n ? one.to : seq));
      if (!found) return;
      const isKept = at >= (messages[0]?.before ?? seq);
      const reason = found.why ?? (epoch !== cursor.epoch && !knowsLives ? "epoch" : isKept ? undefined : "retention");
      if (reason) return { how: "reset", reason, seq, replay: texts(), rest: [] };
      const first = messages.findIndex(({ before }) => before >= at);
      const missed = first < 0 ? [] : messages.slice(first);
      // The cursor is among skipped numbers: the tab has seen messages that this viewer has not.
      if ((missed[0]?.before ?? seq) !== at) return;
      const torn = missed.findIndex((one) => one.gap);
      const [replay, rest] = torn < 0 ? [missed, []] : [missed.slice(0, torn), missed.slice(torn)];
      return {
        how: "resumed",
        seq: at + replay.length,
        replay: replay.map(({ text }) => text),
        rest: rest.flatMap(({ gap, text }) => (gap ? [gap, text] : [text])),
      };
    },
  };
}
