// One viewer of a room for several tabs: to the server it is one connection, to each tab it is a server that speaks version 2. What it
// tells a tab is what the server told it. Must not know where the ports of the tabs come from.

import { LIMITS, bytesOf, isOver, textOf } from "./grammar.js";
import { roomHistory } from "./history.js";
import { ids } from "./failure.js";
import { later, STALE_BYTES_MAX } from "./limits.js";
import { tapped } from "./tap.js";

/** How many characters may be on their way to a tab besides an answer that it asked for: a frozen tab takes none. */
const UNTAKEN_MAX = 1_048_576;

/** What a frame counts besides its characters. */
const FRAME_SIZE = 64;

/** How long a tab waits for the server at most, in milliseconds; and which part of the time after which it gives up. */
const HOLD_MS = 8_000;
const HOLD_PART = 0.8;

/** How long the connection stays when no tab is left that did not say that it leaves: it may come back. In milliseconds. */
const LINGER_MS = 30_000;

/** How long a tab has to bring a token before another one is asked, in milliseconds. */
const TOKEN_MS = 3_000;

/** How long after its lock a tab is forgotten, in milliseconds. */
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
 * A tab. It is `new` until it asks for the room; `asking` until it is answered; then `in`; and `out` when its connection was ended and
 * it is to be told when another one makes sense.
 * @typedef {object} Tab
 * @property {MessagePort} port
 * @property {"new" | "asking" | "in" | "out" | "gone"} state
 * @property {Hello} hello
 * @property {any} [ask] The request that waits for its answer.
 * @property {ReturnType<typeof setTimeout>} [timer] The end of that wait.
 * @property {ReturnType<typeof setTimeout>} [pulse] The next question for a sign of life.
 * @property {boolean} isPaused
 * @property {boolean} isFilling Whether it paused while a state was on its way to it, which it gets to its end.
 * @property {import("./store.js").Cursor} [place] Where it paused.
 * @property {number} sent How many characters were sent to it, how many of these it has taken, and how many more may be on their way.
 * @property {number} taken
 * @property {number} grace
 * @property {number} missed How many signs of life it owes.
 */

/**
 * Returns what serves the tabs of one room. They agree in everything that the server can tell apart.
 * @param {object} outside
 * @param {(url: string, room: string, options: any) => any} outside.watch
 * @param {any} outside.WebSocket
 * @param {EventTarget & { hidden: boolean }} outside.page What the viewer takes for its page: hidden while no tab wants messages.
 * @param {(show: any, tell: (status: any) => void) => void} outside.listen Has each status of a viewer told.
 * @param {LockManager} [outside.locks]
 */
export function relay({ watch, WebSocket, page, listen, locks }) {
  /** @type {Set<Tab>} */
  const tabs = new Set();
  const nextId = ids();
  /** @type {any} */
  let viewer;
  let past = roomHistory();
  /** @type {any} The newest answer of the server, and what it told since. */
  let room = {};
  /** @type {number | undefined} Since when the owner is away. */
  let awaySince;
  /** @type {string | undefined} */
  let audience;
  /** Whether the viewer has left the fan-out, or has asked to be in it again. */
  let isPaused = false;
  /** @type {[code: number, reason: string]} How the last connection ended. */
  let last = [1006, "silent"];
  /** @type {Set<unknown>} The keys by which the server knew the viewer. */
  let keys = new Set();
  /** @type {Map<string, { tab: Tab, id: string }[]>} The questions that the server owes an answer, and which tabs wait for it. */
  const pings = new Map();
  /** @type {{ tab: Tab, id: string }[]} Who said the signals that may still be refused, and the question behind each. */
  let signals = [];
  /** How many signals may be said now, and when that was so. */
  let [credit, creditAt] = [0, -Infinity];
  /** @type {Map<number, (answer: any) => void>} */
  const tokens = new Map();
  let tokenCount = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let lingering;

  /** The name of the lock by which tabs see that this worker lives. @type {string | undefined} */
  let lock;
  const held = `rtbroadcaster worker ${nextId()}`;
  locks?.request(held, () => {
    lock = held;
    for (const tab of tabs) if (tab.state !== "new") tab.port.postMessage({ lock });
    return new Promise(() => {});
  }).catch(() => {});

  const { WebSocket: Tap, send, backlog } = tapped(WebSocket, { sent, heard });

  const isReady = () => past.isComplete() && !isPaused && !pings.size;

  /** @param {Tab} tab @param {string[]} texts */
  function post(tab, texts) {
    for (const text of texts) tab.sent += text.length + FRAME_SIZE;
    if (tab.sent - tab.taken > UNTAKEN_MAX + tab.grace) end(tab, 4008, "slow", true);
    else tab.port.postMessage(texts);
  }

  /** @param {Tab} tab @param {object} frame */
  const tell = (tab, frame) => post(tab, [JSON.stringify(frame)]);

  // The server's side.

  /** Something was sent to the server. @param {string} text */
  function sent(text) {
    const { type, id } = JSON.parse(text);
    if (/pause$/.test(type)) isPaused = true;
    if (type === "ping") pings.set(id, []);
  }

  /** The viewer has accepted a frame. @param {string} text */
  function heard(text) {
    const frame = JSON.parse(text);
    const { type } = frame;
    const wasFilling = past.isFilling();
    past.take(frame, text);
    if (type === "joined") {
      isPaused = false;
      room = { ...frame };
      keys.add(frame.viewer?.key);
    }
    if (/^(joined|reset|owner)$/.test(type)) {
      room.term = frame.term;
      room.owner = frame.owner ?? frame.status;
      awaySince = frame.awayMs === undefined ? undefined : Date.now() - frame.awayMs;
    }
    if (type === "alive") room.nextMs = frame.nextMs ?? room.nextMs;
    if (type === "audience") audience = text;
    if (type === "pong") answerPings(frame);
    else if (type === "error") refuse(frame);
    // What is for the viewer alone: tabs have tokens and answers of their own.
    else if (!/^(joined|expiring|ack)$/.test(type)) pass(type, text, wasFilling);
    if (wasFilling && !past.isFilling()) {
      for (const tab of tabs) if (tab.isFilling) [tab.isFilling, tab.place] = [false, past.cursor()];
    }
    serve();
  }

  /** Passes a frame on to the tabs that are in the room. @param {string} type @param {string} text @param {boolean} wasFilling */
  function pass(type, text, wasFilling) {
    const isForPaused = /^(alive|draining|closed)$/.test(type);
    for (const tab of tabs) {
      if (tab.state !== "in") continue;
      if (!tab.isPaused || isForPaused || (tab.isFilling && wasFilling && type === "message")) post(tab, [text]);
    }
  }

  /** @param {{ id: string, seq: number }} pong */
  function answerPings(pong) {
    for (const [id, waiting] of pings) {
      // Answers come in the order of the questions.
      pings.delete(id);
      for (const one of waiting) if (one.tab.state === "in") tell(one.tab, { ...pong, id: one.id });
      if (id === pong.id) break;
    }
    const at = signals.findIndex(({ id }) => id === pong.id);
    signals.splice(0, at + 1);
  }

  /** A signal was refused. @param {any} frame */
  function refuse(frame) {
    const signal = signals.shift();
    if (signal?.tab.state === "in") tell(signal.tab, frame);
  }

  /** @param {{ name: string, code?: number, reason: string, why?: string }} status */
  function hearStatus({ name, code, reason, why }) {
    if (code === undefined) return;
    last = [code, reason];
    past.cut();
    isPaused = false;
    pings.clear();
    signals = [];
    audience = undefined;
    const isOver = name === "closed";
    if (isOver) forgetViewer();
    for (const tab of tabs) {
      if (!/^(asking|in)$/.test(tab.state)) continue;
      if (isOver && why && tab.state === "asking") tell(tab, { type: "closed", reason, why });
      end(tab, code, reason, !isOver);
    }
  }

  /** Answers the tabs that wait, if there is something to say that holds. */
  function serve() {
    if (!isReady()) return;
    for (const tab of tabs) {
      if (tab.state === "asking") answer(tab);
      if (tab.state === "out") {
        tab.port.postMessage({ back: true });
        forget(tab);
      }
    }
    look();
  }

  /** @param {Tab} tab */
  function answer(tab) {
    const { type, id, cursor, lives } = tab.ask;
    const isJoin = type === "join";
    const found = past.answer(cursor, lives) ?? (isJoin ? undefined : { ...past.answer(undefined), how: "reset", reason: "retention" });
    const isTorn = past.isLagging() && (isJoin || found?.how !== "resumed");
    // A connection of its own would not lag, and the server may know what the tab has seen.
    if (isJoin && (isTorn || !found)) return send_(tab);
    if (isTorn || !found) return;
    const { how, reason, seq, replay, rest } = /** @type {import("./history.js").Answer} */ (found);
    const awayMs = awaySince === undefined ? undefined : Date.now() - awaySince;
    const { epoch } = past.cursor();
    const joined = { ...room, type: "joined", id, epoch, seq, how, reason, replay: replay.length, awayMs };
    const texts = [JSON.stringify(joined), ...replay, ...(audience ? [audience] : []), ...rest];
    // Behind an old hole a tab lags until a heartbeat.
    if (rest.length && !past.isLagging()) texts.push(JSON.stringify({ type: "alive", seq: past.cursor().seq }));
    clearTimeout(tab.timer);
    tab.state = "in";
    tab.grace = tab.sent - tab.taken + texts.reduce((sum, text) => sum + text.length + FRAME_SIZE, 0);
    post(tab, texts);
  }

  /** Has a tab take a connection of its own. @param {Tab} tab */
  function send_(tab) {
    tab.port.postMessage({ own: true });
    forget(tab);
  }

  // The tabs' side.

  /** Takes a tab, which says what it wants on its port. @param {MessagePort} port */
  function connect(port) {
    /** @type {Tab} */
    const tab = { port, state: "new", hello: { address: "", room: "" }, isPaused: false, isFilling: false, sent: 0, taken: 0, grace: 0, missed: 0 };
    tabs.add(tab);
    clearTimeout(lingering);
    port.onmessage = ({ data }) => tab.state !== "gone" && take(tab, data);
    // Where browsers tell it, a tab that crashed is forgotten at once.
    port.addEventListener("close", () => setTimeout(() => forget(tab, true), LAST_MS));
  }

  /** @param {Tab} tab @param {any} word */
  function take(tab, word) {
    tab.missed = 0;
    if (typeof word === "string") return request(tab, JSON.parse(word), word);
    if (word.taken >= 0) tab.taken = word.taken;
    if (word.hello) welcome(tab, word.hello);
    if (word.shown) show();
    if (word.answers) tokens.get(word.answers)?.(word);
    if (word.bye) forget(tab);
  }

  /** @param {Tab} tab @param {Hello} hello */
  function welcome(tab, hello) {
    tab.hello = hello;
    tab.port.postMessage({ ready: true, lock });
    // What it said last may come behind the lock.
    if (hello.lock && locks) void locks.request(hello.lock, () => void setTimeout(() => forget(tab, true), LAST_MS));
    else askForSign(tab);
  }

  /** @param {Tab} tab */
  function askForSign(tab) {
    tab.pulse = setTimeout(() => {
      if (tab.missed++ >= SIGNS_MAX) return end(tab, 4012, "silent", false);
      tab.port.postMessage({ sign: true });
      askForSign(tab);
    }, SIGN_MS);
  }

  /** @param {Tab} tab @param {any} frame @param {string} text */
  function request(tab, frame, text) {
    const { type, id } = frame;
    const isIn = tab.state === "in";
    if (type === "join") return enter(tab, frame);
    if (type === "leave") {
      tell(tab, { type: "closed", reason: "left" });
      return end(tab, 1000, "left", false, true);
    }
    if (type === "pause" && isIn) return pause(tab);
    if (type === "unpause" && isIn && tab.isPaused) {
      tab.isPaused = false;
      return wait(tab, { ...frame, cursor: tab.place, lives: true });
    }
    if (type === "ping" && isIn) return ping(tab, id);
    if (type === "signal" && isIn) return signal(tab, frame, text);
    tell(tab, { type: "error", id, code: "bad_message", message: "the message cannot be understood" });
  }

  /** @param {Tab} tab @param {any} frame */
  function enter(tab, frame) {
    // Who it is for the server is settled: this connection has another viewer.
    if (viewer && frame.viewer !== undefined && !keys.has(frame.viewer)) return send_(tab);
    if (!viewer) begin(tab.hello, frame.viewer);
    wait(tab, frame);
  }

  /** The tab waits for an answer. @param {Tab} tab @param {any} ask */
  function wait(tab, ask) {
    const ms = Math.min(HOLD_MS, HOLD_PART * (tab.hello.answerTimeoutMs ?? Infinity));
    clearTimeout(tab.timer);
    tab.timer = later(() => end(tab, ...last, true), ms);
    tab.ask = ask;
    tab.state = "asking";
    look();
    serve();
  }

  /** @param {Hello} hello @param {string | undefined} key The proof of who the viewer is. */
  function begin({ address, room: id, token, hasTokens, reconnect, answerTimeoutMs }, key) {
    past = roomHistory();
    keys = new Set([key]);
    last = [1006, "silent"];
    page.hidden = false;
    viewer = watch(address, id, {
      token: hasTokens ? askForToken : token, reconnect, answerTimeoutMs, WebSocket: Tap, share: false,
      identity: { getItem: () => key ?? null, setItem: (/** @type {string} */ _, /** @type {string} */ newer) => keys.add(newer) },
    });
    const mine = viewer;
    listen(viewer, (status) => mine === viewer && hearStatus(status));
  }

  /** @param {Tab} tab */
  function pause(tab) {
    tab.isPaused = true;
    tab.isFilling = past.isFilling();
    tab.place = past.cursor();
    look();
  }

  /** Asks the server whether it is there. @param {Tab} tab @param {string} id */
  function ping(tab, id) {
    const before = pings.size;
    // The viewer gives its connection up if no answer comes.
    show();
    if (pings.size === before) question();
    [...pings.values()].at(-1)?.push({ tab, id });
  }

  /** Sends a question of our own. Returns its name. */
  function question() {
    const id = nextId();
    send(JSON.stringify({ type: "ping", id }));
    return id;
  }

  /** @param {Tab} tab @param {any} frame @param {string} text */
  function signal(tab, { params }, text) {
    const now = performance.now();
    const { signalBytes, signalsPerSecond = 1e9 } = room.limits ?? LIMITS;
    credit = Math.min(signalsPerSecond, credit + ((now - creditAt) * signalsPerSecond) / 1_000);
    creditAt = now;
    // All tabs are one viewer, and the server ends a connection that is refused too often.
    const code = isOver(bytesOf(textOf(params) ?? ""), signalBytes) ? "too_big" : credit < 1 ? "rate" : backlog() >= STALE_BYTES_MAX ? "unavailable" : "";
    if (code) return tell(tab, { type: "error", code, message: "the signal was not passed on", retryInMs: 1_000 });
    credit -= 1;
    send(text);
    // A refusal does not tell which signal it refuses: it comes before the answer to the question behind that.
    if (room.limits) signals.push({ tab, id: question() });
    else signals = [{ tab, id: "" }];
  }

  /** A person looks at a tab. */
  function show() {
    page.dispatchEvent(new Event("visibilitychange"));
  }

  /** Has the viewer pause while no tab wants messages. */
  function look() {
    const there = [...tabs].filter(({ state }) => /^(asking|in)$/.test(state));
    const isHidden = there.every((tab) => tab.isPaused);
    // Tabs that are out come back.
    if (!there.length || isHidden === page.hidden) return;
    page.hidden = isHidden;
    if (past.isIn()) show();
  }

  /** @returns {Promise<string>} */
  function askForToken() {
    const rest = [...tabs].filter(({ hello }) => hello.hasTokens);
    return new Promise((resolve, reject) => {
      const id = ++tokenCount;
      /** @type {ReturnType<typeof setTimeout>} */
      let timer;
      const next = () => {
        // The one that came last is the most awake.
        const tab = rest.pop();
        if (!tab) return settle({ error: "no tab brings a token" });
        tab.port.postMessage({ asks: id });
        timer = setTimeout(next, TOKEN_MS);
      };
      /** @param {{ token?: string, error?: string }} answer */
      function settle({ token, error }) {
        clearTimeout(timer);
        tokens.delete(id);
        if (error === undefined) resolve(/** @type {string} */ (token));
        else reject(new Error(error));
      }
      tokens.set(id, settle);
      next();
    });
  }

  /**
   * Ends a tab's connection.
   * @param {Tab} tab @param {number} code @param {string} reason @param {boolean} isWaiting Whether the tab is told when to come back.
   * @param {boolean} [isLeft] Whether it left on purpose.
   */
  function end(tab, code, reason, isWaiting, isLeft) {
    clearTimeout(tab.timer);
    tab.port.postMessage({ close: [code, reason] });
    if (!isWaiting) return forget(tab, isLeft);
    tab.state = "out";
    look();
  }

  /** @param {Tab} tab @param {boolean} [isLeft] */
  function forget(tab, isLeft) {
    if (!tabs.delete(tab)) return;
    clearTimeout(tab.timer);
    clearTimeout(tab.pulse);
    tab.state = "gone";
    look();
    if (tabs.size || !viewer) return;
    if (isLeft) leave();
    else lingering = setTimeout(leave, LINGER_MS);
  }

  function forgetViewer() {
    viewer = undefined;
    room = {};
  }

  function leave() {
    const mine = viewer;
    forgetViewer();
    past.cut();
    mine?.leave();
  }

  return { connect };
}
