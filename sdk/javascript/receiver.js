// Applies received frames to a viewer's state and cursor, and detects gaps. A replay of the state is applied at once when all of it has
// come; if it is interrupted, the older state and cursor stay. Must not know sockets, time or the page.

import { replay } from "./store.js";

/**
 * @typedef {import("./store.js").Message} Message
 * @typedef {ReturnType<typeof import("./store.js").store>} Store
 */

/**
 * Returns the receiver of one viewer.
 * @param {Store} state The state to keep up to date.
 * @param {(messages: Message[], isChanged: boolean) => void} pass Takes received messages, after the state has them.
 * @param {(reset: { reason: string }) => void} reset Takes a reset, before the messages that follow from it.
 */
export function receiver(state, pass, reset) {
  /** @type {string | undefined} */
  let epoch;
  let owner = "live";
  /** @type {number | undefined} Since when the owner is away. */
  let since;
  /** @type {string | undefined} Why events were lost, since the present connection entered the room. */
  let why;
  /** Whether the viewer is in the room on the present connection. */
  let isIn = false;
  /** @type {"" | "paused" | "asking"} Whether the server was asked to pause, or to resume and has not answered. */
  let pause = "";
  /** @type {import("./store.js").Replay | undefined} The state that is being received. */
  let incoming;
  /** How many replayed messages are still to come. */
  let missing = 0;
  /** @type {number | undefined} The last of the skipped numbers, until the message after them comes. */
  let gap;
  /** The number in the last heartbeat; 0 if there is nothing to compare. */
  let promised = 0;
  /**
   * Not 0 while values of the state may be out of date, also over connections: the number up to which each superseded value has its newer
   * one. Servers that do not send it know no lives either. Then it is the number of the first heartbeat after the last skipped numbers, and
   * infinite before that heartbeat.
   */
  let tear = 0;
  /**
   * Not 0 while the viewer lags: the number of the first heartbeat after the last skipped numbers, infinite before that heartbeat. The
   * `until` of `skipped` frames would not do: with many of them in a row the viewer would not lag between any two.
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
    gap = undefined;
    incoming = replay(frame);
    complete();
  }

  function complete() {
    if (!incoming || incoming.left) return;
    const { frame, next } = incoming;
    const changes = state.replace(incoming, frame.epoch === epoch);
    epoch = next.epoch;
    incoming = undefined;
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
    if (epoch === undefined || frame.seq - (gap ?? state.seq) !== missing) return "protocol";
    // A server with another epoch may not have the values that this state lacks.
    if (tear && frame.epoch !== epoch) return "protocol";
    // At once, for the number of the request: the server vouches for it in this epoch, whatever the old epoch was.
    epoch = frame.epoch;
  }

  /** @param {Message} message */
  function takeMessage(message) {
    const { seq } = message;
    if (!isIn) return "protocol";
    if (incoming) {
      if (!incoming.take(message)) return "protocol";
      return complete();
    }
    if (seq !== undefined) {
      if (seq !== (gap ?? state.seq) + 1) return "protocol";
      // A replay has every newer value, so the viewer does not lag after it. Without heartbeats it cannot know when it has caught up.
      lag = gap && !missing ? Infinity : hasHeartbeat ? lag : 0;
      heal(seq);
      gap = undefined;
      if (missing) {
        missing -= 1;
        message.late = true;
      }
    }
    pass([message], state.take(message));
  }

  /** Ends the tear and the lag if the state at `seq` has every newer value. @param {number} seq */
  function heal(seq) {
    if (seq >= tear) tear = 0;
    if (seq >= lag) lag = 0;
  }

  /** Takes a heartbeat with the room's last number. @param {number} seq */
  function look(seq) {
    // During a replay of the state or a pause, the number may be one of another epoch.
    const isOurs = isIn && !incoming && !pause;
    if (isOurs) {
      if (tear === Infinity) tear = seq;
      if (lag === Infinity) lag = seq;
      heal(state.seq);
    }
    // While replayed messages are still to come there is nothing to compare.
    if (!isOurs || missing) promised = 0;
    else if (promised > state.seq) return "behind";
    else promised = seq;
  }

  return {
    /** Returns the size of the state, in characters of frames. */
    size: () => Math.max(state.size, incoming?.size ?? 0),

    /** Returns the cursor from which to resume. */
    cursor: () => (epoch === undefined ? undefined : { epoch, seq: state.seq }),

    /** Returns whether another life may continue the cursor; `undefined` if not, since JSON leaves that out. */
    lives: () => !tear || undefined,

    /** Forgets what belongs to the lost connection. */
    cut() {
      isIn = false;
      pause = "";
      incoming = gap = undefined;
      missing = lag = 0;
    },

    /** Records that the server was asked to pause, or to resume. @param {boolean} is Whether it was asked to pause. */
    pause(is) {
      pause = is ? "paused" : "asking";
    },

    /** Returns the name of the status; empty while a replay, or the answer to `unpause`, is still to come. */
    position: () => (!isIn || pause === "asking" || (incoming && !lag) || missing ? "" : lag ? "lagging" : owner === "away" ? owner : "live"),

    /** Returns the other members of the status. */
    more: () => ({ ...(owner === "away" && since !== undefined && { since }), ...(why && { reset: why }) }),

    /**
     * Takes a frame. Returns a reason to close the connection if the frame does not fit to the earlier ones; a resume then replays the
     * missing messages.
     * @param {any} frame
     * @returns {string | void}
     */
    take(frame) {
      switch (frame.type) {
        case "joined":
          return enter(frame);
        case "message":
          return takeMessage(frame);
        case "reset":
          if (!isIn || incoming) return "protocol";
          lag = Infinity;
          lookAtOwner(frame.owner, frame);
          return begin(frame);
        case "skipped":
          if (!isIn || incoming || !(frame.through > state.seq)) return "protocol";
          gap = frame.through;
          tear = Math.max(tear, frame.until ?? Infinity);
          return;
        case "owner":
          lookAtOwner(frame.status, frame);
          // The lease changed during this connection: the same numbers continue in another epoch.
          if (incoming) incoming.next.epoch = frame.epoch ?? incoming.next.epoch;
          else if (isIn) epoch = frame.epoch ?? epoch;
          return;
        case "alive":
          return look(frame.seq);
      }
    },
  };
}
