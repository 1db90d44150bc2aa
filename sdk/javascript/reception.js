// What a viewer makes of what it is told: the cursor, holes, and what to pass on. A replay of the state is applied at once
// when all of it has come; cut before that, the older state and cursor stay. Must not know sockets, time or the page.

import { replay } from "./store.js";

/**
 * @typedef {import("./store.js").Message} Message
 * @typedef {ReturnType<typeof import("./store.js").store>} Store
 */

/**
 * One viewer's reception.
 * @param {Store} state What it keeps up to date.
 * @param {(messages: Message[], isChanged: boolean) => void} pass Takes what came, after the state has it.
 * @param {(reset: { reason: string }) => void} reset Hears that events may be lost, before what follows from it.
 */
export function reception(state, pass, reset) {
  /** @type {string | undefined} */
  let epoch;
  let owner = "live";
  /** @type {number | undefined} Since when the owner is away. */
  let since;
  /** @type {string | undefined} Why events were lost, in this stay. */
  let why;
  /** Whether it is in the room on the present connection. */
  let isIn = false;
  /** @type {"" | "paused" | "asking"} Nothing will be sent, or the answer to `unpause` is on its way. */
  let pause = "";
  /** @type {import("./store.js").Replay | undefined} The state on its way. */
  let whole;
  /** How many messages of a resume are on their way. */
  let missing = 0;
  /** @type {number | undefined} The end of a hole whose next message has not come. */
  let hole;
  /** The number in the last heartbeat; 0 if there is nothing to compare. */
  let promised = 0;
  /**
   * Not 0 while the state is torn, over connections too: the number up to which each superseded value has its newer one.
   * A server that does not tell it does not know of lives either; then it is that of the first heartbeat behind the last hole,
   * and infinite before that.
   */
  let tear = 0;
  /**
   * Not 0 while it lags: what the first heartbeat behind the last hole promised, infinite before that. Holes follow each other:
   * by their `until` it would lag no more between any two of them.
   */
  let lag = 0;
  let hasHeartbeat = true;

  /** @param {string} status @param {{ awayMs?: number }} frame */
  function lookAtOwner(status, { awayMs }) {
    owner = status;
    since = awayMs === undefined ? awayMs : Date.now() - awayMs;
  }

  /** @param {any} frame */
  function begin(frame) {
    hole = undefined;
    whole = replay(frame);
    complete();
  }

  function complete() {
    if (!whole || whole.left) return;
    const { frame, next } = whole;
    const changes = state.replace(whole, frame.epoch === epoch);
    epoch = next.epoch;
    whole = undefined;
    tear = lag = 0;
    if (frame.reason) {
      why = frame.reason;
      reset(frame);
    }
    for (const message of changes) message.late = true;
    pass(changes, changes.length > 0);
  }

  /** @param {any} frame */
  function enter(frame) {
    isIn = true;
    pause = "";
    promised = 0;
    hasHeartbeat = frame.aliveMs > 0;
    why = frame.how === "reset" ? why : undefined;
    lookAtOwner(frame.owner, frame);
    if (frame.how !== "resumed") return begin(frame);
    missing = frame.replay;
    if (epoch === undefined || frame.seq - (hole ?? state.seq) !== missing) return "protocol";
    // No other life is known to have what a torn state lacks.
    if (tear && frame.epoch !== epoch) return "protocol";
    // At once, with the seq that was asked with: the server vouches for it in this epoch, whatever the old one was.
    epoch = frame.epoch;
  }

  /** @param {Message} message */
  function hear(message) {
    const { seq } = message;
    if (!isIn) return "protocol";
    if (whole) {
      if (!whole.take(message)) return "protocol";
      return complete();
    }
    if (seq !== undefined) {
      if (seq !== (hole ?? state.seq) + 1) return "protocol";
      // What a resume brings holds every newer value; without heartbeats it is never known when they have come.
      lag = hole && !missing ? Infinity : hasHeartbeat ? lag : 0;
      heal(seq);
      hole = undefined;
      if (missing) {
        missing -= 1;
        message.late = true;
      }
    }
    pass([message], state.take(message));
  }

  /** The state comes to `seq`: it is whole again if every newer value has come. @param {number} seq */
  function heal(seq) {
    if (seq >= tear) tear = 0;
    if (seq >= lag) lag = 0;
  }

  /** A heartbeat with the room's last number. @param {number} seq */
  function look(seq) {
    // In a replay of the state, or while nothing is sent, the number may belong to what another life has.
    const isOurs = isIn && !whole && !pause;
    if (isOurs) {
      if (tear === Infinity) tear = seq;
      if (lag === Infinity) lag = seq;
      heal(state.seq);
    }
    // While something is missing there is nothing to compare.
    if (!isOurs || missing) promised = 0;
    else if (promised > state.seq) return "behind";
    else promised = seq;
  }

  return {
    /** How much is held of what was said. */
    size: () => Math.max(state.size, whole?.size ?? 0),

    /** Where to go on. */
    cursor: () => (epoch === undefined ? undefined : { epoch, seq: state.seq }),

    /** Whether another life may continue the cursor; `undefined` if not, since a false member is left out. */
    lives: () => !tear || undefined,

    /** The connection is gone. */
    cut() {
      isIn = false;
      pause = "";
      whole = hole = undefined;
      missing = lag = 0;
    },

    /** Nothing will be sent from here on, or it is asked what was missed. @param {boolean} is */
    pause(is) {
      pause = is ? "paused" : "asking";
    },

    /** Where it stands; empty while what it missed, or the answer, is on its way. */
    position: () => (!isIn || pause === "asking" || (whole && !lag) || missing ? "" : lag ? "lagging" : owner === "away" ? owner : "live"),

    /** What else is known of that. */
    more: () => ({ ...(owner === "away" && since !== undefined && { since }), ...(why && { reset: why }) }),

    /**
     * Takes a frame. Answers with a word if it does not fit to what came before: a resume brings what is missing.
     * @param {any} frame
     * @returns {string | void}
     */
    take(frame) {
      switch (frame.type) {
        case "joined":
          return enter(frame);
        case "message":
          return hear(frame);
        case "reset":
          if (!isIn || whole) return "protocol";
          lag = Infinity;
          lookAtOwner(frame.owner, frame);
          return begin(frame);
        case "skipped":
          if (!isIn || whole || !(frame.through > state.seq)) return "protocol";
          hole = frame.through;
          tear = Math.max(tear, frame.until ?? Infinity);
          return;
        case "owner":
          lookAtOwner(frame.status, frame);
          // The lease changed under this connection: the same numbers go on in another epoch.
          if (whole) whole.next.epoch = frame.epoch ?? whole.next.epoch;
          else if (isIn) epoch = frame.epoch ?? epoch;
          return;
        case "alive":
          return look(frame.seq);
      }
    },
  };
}
