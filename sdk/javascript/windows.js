// Which window of a browser owns a room, when several have its key, as after a tab was duplicated. Loaded by an owner with a storage
// when it needs it. Must not know sockets.

/** How long a window has to say that it owns the room, where there are no locks, in milliseconds. */
const ANSWER_MS = 300;

/** How often a window that waits asks, where there are no locks, in milliseconds. */
const AGAIN_MS = 3_000;

/**
 * What a window does about the other ones.
 * @typedef {object} Guard
 * @property {(room: string, isAsking: boolean) => Promise<void>} begin Begins with the room that the window has, if it has one: asks for
 *   it, or holds it.
 * @property {(room: string) => void} hold Holds the room, whoever else does.
 * @property {() => boolean} hide The page is left. Returns whether this window asks for the room when the page comes back.
 * @property {() => void} end Holds nothing, and waits for nothing.
 */

/**
 * Returns the guard of one owner. It lets go while the page is away, so that the browser may keep the page for its way back.
 * @param {{ again: () => void, rest: (reason: string) => void, status: () => { name: string } }} owner `again`: this window holds the room
 *   now. `rest`: another window holds it: it did when this one asked (`in_use`), or took it (`fenced`).
 * @returns {Guard}
 */
export function windows({ again, rest, status }) {
  const over = new AbortController();
  const { signal } = over;
  /** Another window holds the room. @param {string} reason */
  const taken = (reason) => /^(elsewhere|closed)$/.test(status().name) || rest(reason);
  // Plain http on an address of a network has no locks.
  const { request, release } = (globalThis.navigator?.locks ? locks : channel)(() => held && taken("fenced"));
  /** Whether the page was left while this window held the room, and owned it as far as it knew. */
  let isHidden = false;
  /** @type {string | undefined} The room that this window holds. */
  let held;

  /** Holds the room if no other window does. If one does, waits for its end. @param {string} room */
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

/** @typedef {"ask" | "wait" | "take"} How Whether to hold the room only if it is free, when it is, or at once. */

/** Web Locks: a window that crashed holds nothing. @param {() => void} lose Hears that another window took the room. */
function locks(lose) {
  /** @type {(value?: any) => void} */
  let end = () => {};
  let stop = new AbortController();
  /** Counts what was asked and let go: a lock that this window takes from itself is no loss. */
  let turn = 0;

  return {
    /** @param {string} room @param {How} how @returns {Promise<boolean>} */
    request: (room, how) => new Promise((tell) => {
      const mine = ++turn;
      // The browser allows a signal beside neither of the other two.
      const options = { ask: { ifAvailable: true }, wait: { signal: stop.signal }, take: { steal: true } }[how];
      let isOurs = false;
      const asked = navigator.locks.request(`rtbroadcaster ${room}`, options, (lock) => {
        tell((isOurs = Boolean(lock)));
        return lock ? new Promise((resolve) => (end = resolve)) : undefined;
      });
      // Another window has taken it, or nobody waits any more.
      asked.catch(() => (isOurs && mine === turn ? lose() : tell(false)));
    }),
    release() {
      turn += 1;
      end();
      stop.abort();
      stop = new AbortController();
    },
  };
}

/** A channel between the windows: whoever holds a room says so when it is asked. @param {() => void} lose As above. */
function channel(lose) {
  /** @type {BroadcastChannel | undefined} */
  let line;

  /** @param {string} room @param {How} how @returns {Promise<boolean>} */
  function request(room, how) {
    line?.close();
    if (!globalThis.BroadcastChannel) return Promise.resolve(how !== "wait");
    const mine = (line = new BroadcastChannel(`rtbroadcaster ${room}`));
    return new Promise((tell) => {
      function take() {
        mine.onmessage = ({ data }) => {
          if (data === "ask") mine.postMessage("held");
          // Another window holds it now, whatever this one thinks.
          if (data !== "taken") return;
          mine.onmessage = null;
          lose();
        };
        mine.postMessage("taken");
        tell(true);
      }
      function ask() {
        let timer = setTimeout(() => mine === line && take(), ANSWER_MS);
        mine.onmessage = ({ data }) => {
          if (!/^(held|gone)$/.test(data)) return;
          clearTimeout(timer);
          if (how === "ask") return tell(false);
          // It is asked again: the window that holds it may be gone without a word.
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
