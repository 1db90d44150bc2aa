// Decides which window of a browser owns a room when several have its key, as after a tab was duplicated. Loaded on demand by owners with a
// storage. Must not know sockets.

/** Without Web Locks: how long another window has to answer that it holds the room, in milliseconds. */
const ANSWER_MS = 300;

/** Without Web Locks: the interval at which a waiting window asks, in milliseconds. */
const AGAIN_MS = 3_000;

/**
 * The hold of one window on a room, against other windows.
 * @typedef {object} Guard
 * @property {(room: string, isAsking: boolean) => Promise<void>} begin Begins with the window's room, if it has one: asks for it if
 *   `isAsking`, else takes it.
 * @property {(room: string) => void} hold Takes the room, also from another window.
 * @property {() => boolean} hide Called when the page is left. Returns whether this window asks for the room when the page is shown again.
 * @property {() => void} end Releases the room, and stops waiting for it.
 */

/**
 * Returns the guard of one owner. It releases the room while the page is left, so that the browser may cache the page.
 * @param {{ again: () => void, standBy: (reason: string) => void, status: () => { name: string } }} owner `again`: called when this window holds
 *   the room. `rest`: called when another window holds it, since before (`in_use`) or since it took the room over (`fenced`).
 * @returns {Guard}
 */
export function windows({ again, standBy, status }) {
  const over = new AbortController();
  const { signal } = over;
  /** Notifies the owner that another window holds the room. @param {string} reason */
  const taken = (reason) => /^(elsewhere|closed)$/.test(status().name) || standBy(reason);
  // Pages over plain http, except those of localhost, have no Web Locks.
  const { request, release } = (globalThis.navigator?.locks ? locks : channel)(() => held && taken("fenced"));
  /** Whether the page was left while this window held the room and was not `elsewhere`. */
  let isHidden = false;
  /** @type {string | undefined} The room that this window holds. */
  let held;

  /** Holds the room if it is free, and returns whether it was. Else waits until it is free. @param {string} room */
  async function ask(room) {
    release();
    held = undefined;
    const isFree = await request(room, "ask");
    if (isFree) held = room;
    else {
      void request(room, "wait").then((isOurs) => {
        if (!isOurs) return;
        held = room;
        again();
      });
    }
    return isFree;
  }

  let isAway = false;
  const leave = () => {
    isAway = true;
    release();
  };
  async function comeBack() {
    if (!isAway || !held) return;
    isAway = false;
    if (!(await ask(held))) taken("in_use");
    else if (isHidden) again();
  }
  addEventListener("pagehide", leave, { signal });
  addEventListener("pageshow", ({ persisted }) => persisted && comeBack(), { signal });
  document.addEventListener("freeze", leave, { signal });
  document.addEventListener("resume", comeBack, { signal });

  /** @param {string} room */
  function hold(room) {
    release();
    held = room;
    void request(room, "take");
  }

  return {
    async begin(room, isAsking) {
      if (!room) return;
      if (!isAsking) hold(room);
      else if (await ask(room)) again();
      else taken("in_use");
    },
    hold,
    hide: () => (isHidden = held !== undefined && status().name !== "elsewhere"),
    end() {
      over.abort();
      held = undefined;
      release();
    },
  };
}

/** @typedef {"ask" | "wait" | "take"} How Whether to hold the room only if it is free now, once it is free, or in any case. */

/** Returns the hold by Web Locks, which the browser releases if a window crashes. @param {() => void} onLoss Called if another window takes it. */
function locks(onLoss) {
  /** @type {(value?: any) => void} */
  let end = () => {};
  let stop = new AbortController();
  /** Counts requests and releases: a lock that this window takes from itself is no loss. */
  let generation = 0;

  return {
    /** @param {string} room @param {How} how @returns {Promise<boolean>} */
    request: (room, how) => new Promise((resolve) => {
      const mine = ++generation;
      // The browser allows `signal` neither with `ifAvailable` nor with `steal`.
      const options = { ask: { ifAvailable: true }, wait: { signal: stop.signal }, take: { steal: true } }[how];
      let isOurs = false;
      const asked = navigator.locks.request(`rtbroadcaster ${room}`, options, (lock) => {
        resolve((isOurs = Boolean(lock)));
        return lock ? new Promise((resolve) => (end = resolve)) : undefined;
      });
      // Another window has taken the lock, or this window has stopped waiting.
      asked.catch(() => (isOurs && mine === generation ? onLoss() : resolve(false)));
    }),
    release() {
      generation += 1;
      end();
      stop.abort();
      stop = new AbortController();
    },
  };
}

/** Returns the hold by a BroadcastChannel: the window that holds a room answers those that ask. @param {() => void} onLoss As above. */
function channel(onLoss) {
  /** @type {BroadcastChannel | undefined} */
  let line;

  /** @param {string} room @param {How} how @returns {Promise<boolean>} */
  function request(room, how) {
    line?.close();
    if (!globalThis.BroadcastChannel) return Promise.resolve(how !== "wait");
    const mine = (line = new BroadcastChannel(`rtbroadcaster ${room}`));
    return new Promise((resolve) => {
      function take() {
        mine.onmessage = ({ data }) => {
          if (data === "ask") mine.postMessage("held");
          // Another window has taken the room.
          if (data !== "taken") return;
          mine.onmessage = null;
          onLoss();
        };
        mine.postMessage("taken");
        resolve(true);
      }
      function ask() {
        let timer = setTimeout(() => mine === line && take(), ANSWER_MS);
        mine.onmessage = ({ data }) => {
          if (!/^(held|gone)$/.test(data)) return;
          clearTimeout(timer);
          if (how === "ask") return resolve(false);
          // Ask again: the window that holds the room may crash.
          timer = setTimeout(() => mine === line && ask(), data === "gone" ? 0 : AGAIN_MS);
        };
        mine.postMessage("ask");
      }
      if (how === "take") take();
      else ask();
    });
  }

  return {
    request,
    release() {
      line?.postMessage("gone");
      line?.close();
      line = undefined;
    },
  };
}
