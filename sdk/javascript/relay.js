// Shares one viewer of a room among several tabs. To the server it is one client; to each tab it is a server of version 2, which passes on
// the server's frames. Must not know where the ports of the tabs come from.

import { tabTokens } from "./tab-tokens.js";
import { ids } from "./ids.js";
import { bytesOf, isOver, LIMITS, textOf } from "./validation.js";
import { roomHistory } from "./history.js";
import { setTimer, STALE_BYTES_MAX } from "./limits.js";
import { tabPort } from "./tab-port.js";
import { pings } from "./pings.js";
import { tapped } from "./tap.js";

/** The longest time that a tab waits for the server, in milliseconds, and the part of the tab's own timeout that it may take. */
const HOLD_MS = 8_000;
const HOLD_PART = 0.8;

/** How long the connection stays open for tabs that may reconnect, in milliseconds. */
const LINGER_MS = 30_000;

/**
 * A tab. Its state is `new` until it asks for the room, `asking` until it is answered, then `in`. It is `out` when its connection was closed,
 * until the relay notifies it that it may reconnect.
 * @typedef {object} Tab
 * @property {import("./tab-port.js").TabPort} port
 * @property {"new" | "asking" | "in" | "out" | "gone"} state
 * @property {import("./tab-port.js").Hello} [hello]
 * @property {any} [ask] The request that waits for its answer.
 * @property {ReturnType<typeof setTimeout>} [timer] The timeout of that request.
 * @property {boolean} isPaused
 * @property {boolean} isFilling Whether it paused during a replay of the state, which it gets completely.
 * @property {import("./store.js").Cursor} [pausedAt] The cursor at which it paused.
 */

/**
 * Returns the relay for the tabs of one room. The tabs agree in everything that the server can distinguish.
 * @param {object} outside
 * @param {(url: string, room: string, options: any) => any} outside.watch
 * @param {any} outside.WebSocket
 * @param {EventTarget & { hidden: boolean }} outside.page The viewer's page: hidden while no tab wants messages.
 * @param {(show: any, func: (status: any) => void) => void} outside.listen Subscribes `func` to the status of a viewer.
 * @param {LockManager} [outside.locks]
 */
export function relay({ watch, WebSocket, page, listen, locks }) {
  /** @type {Set<Tab>} */
  const tabs = new Set();
  const nextId = ids();
  /** @type {ReturnType<typeof pings<Tab>>} */
  const asked = pings();
  const tokens = tabTokens(() => [...tabs].filter(({ hello }) => hello?.hasTokens).map(({ port }) => port));
  const { WebSocket: Tap, send, backlog } = tapped(WebSocket, { sent, received });
  /** @type {any} */
  let viewer;
  let history = roomHistory();
  /** @type {any} The server's newest `joined` frame, kept up to date. */
  let room = {};
  /** @type {number | undefined} Since when the owner is away. */
  let awaySince;
  /** @type {string | undefined} */
  let audience;
  /** Whether the viewer has paused, or the server has not answered its request to resume. */
  let isPaused = false;
  /** @type {[code: number, reason: string]} How the last connection ended. */
  let last = [1006, "silent"];
  /** @type {Set<unknown>} The keys by which the server knew the viewer. */
  let keys = new Set();
  /** How many signals may be sent now, and when that was computed. */
  let [credit, creditAt] = [0, -Infinity];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let lingering;
  /** @type {string | undefined} The name of a lock that this worker holds as long as it lives. */
  let lock;
  const held = `rtbroadcaster worker ${nextId()}`;
  locks?.request(held, () => {
    lock = held;
    for (const tab of tabs) if (tab.hello) tab.port.post({ lock });
    return new Promise(() => {});
  }).catch(() => {});

  const isReady = () => history.isComplete() && !isPaused && !asked.count();

  /** @param {Tab} tab @param {string[]} texts @param {boolean} [isAnswer] */
  function post(tab, texts, isAnswer) {
    if (!tab.port.send(texts, isAnswer)) end(tab, 4008, "slow", true);
  }

  /** @param {Tab} tab @param {object} frame */
  const sendFrame = (tab, frame) => post(tab, [JSON.stringify(frame)]);

  // From the server to the tabs.

  /** Takes a frame that is sent to the server. @param {string} text */
  function sent(text) {
    const { type, id } = JSON.parse(text);
    if (/pause$/.test(type)) isPaused = true;
    if (type === "ping") asked.ask(id);
  }

  /** Takes a frame that the viewer has accepted. @param {string} text */
  function received(text) {
    const frame = JSON.parse(text);
    const { type } = frame;
    const wasFilling = history.isFilling();
    history.take(frame, text);
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
    if (type === "pong") {
      for (const { asker, id } of asked.answer(frame.id)) if (asker.state === "in") sendFrame(asker, { ...frame, id });
    } else if (type === "error") {
      // An error with an id answers a new token.
      const tab = frame.id === undefined ? asked.refuse() : undefined;
      if (tab?.state === "in") sendFrame(tab, frame);
    } else if (!/^(joined|expiring|ack)$/.test(type)) pass(type, text, wasFilling);
    if (wasFilling && !history.isFilling()) {
      for (const tab of tabs) if (tab.isFilling) [tab.isFilling, tab.pausedAt] = [false, history.cursor()];
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

  /** @param {{ name: string, code?: number, reason: string, why?: string }} status */
  function takeStatus({ name, code, reason, why }) {
    // Only a status after the end of a connection has a code.
    if (code === undefined) return;
    last = [code, reason];
    history.cut();
    asked.clear();
    audience = undefined;
    const isClosed = name === "closed";
    if (isClosed) forgetViewer();
    for (const tab of tabs) {
      if (!/^(asking|in)$/.test(tab.state)) continue;
      if (why && tab.state === "asking") sendFrame(tab, { type: "closed", reason, why });
      end(tab, code, reason, !isClosed);
    }
  }

  /** Answers the waiting tabs, if the state is complete. */
  function serve() {
    if (!isReady()) return;
    for (const tab of tabs) {
      if (tab.state === "asking") answer(tab);
      if (tab.state !== "out") continue;
      tab.port.post({ back: true });
      forget(tab, true);
    }
    updatePause();
  }

  /** @param {Tab} tab */
  function answer(tab) {
    const { type, id, cursor, lives } = tab.ask;
    const isJoin = type === "join";
    /** @type {import("./history.js").Answer | undefined} */
    let found = history.answer(cursor, lives);
    // A connection of its own would not lag, and the server may know the tab's cursor.
    if (isJoin && (!found || history.isLagging())) return refer(tab);
    found ??= { .../** @type {import("./history.js").Answer} */ (history.answer(undefined)), how: "reset", reason: "retention" };
    // A state with missing values is no answer.
    if (found.how !== "resumed" && history.isLagging()) return;
    const { how, reason, seq, replay, rest } = found;
    const awayMs = awaySince === undefined ? undefined : Date.now() - awaySince;
    const now = history.cursor();
    const joined = { ...room, type: "joined", id, epoch: now.epoch, seq, how, reason, replay: replay.length, awayMs };
    const texts = [JSON.stringify(joined), ...replay, ...(audience ? [audience] : []), ...rest];
    // Without this heartbeat a tab would lag until the next one, since the replay has skipped numbers.
    if (rest.length && !history.isLagging()) texts.push(JSON.stringify({ type: "alive", seq: now.seq }));
    clearTimeout(tab.timer);
    tab.state = "in";
    post(tab, texts, true);
  }

  /** Tells a tab to open a connection of its own. @param {Tab} tab */
  function refer(tab) {
    tab.port.post({ own: true });
    forget(tab, true);
  }

  // From the tabs to the server.

  /** Accepts a new tab. @param {MessagePort} port */
  function connect(port) {
    /** @type {Tab} */
    const tab = {
      state: "new",
      isPaused: false,
      isFilling: false,
      port: tabPort(port, {
        hello(hello) {
          tab.hello = hello;
          tab.port.post({ ready: true, lock });
          tokens.came();
        },
        frame: (text) => request(tab, JSON.parse(text), text),
        shown: show,
        token: tokens.take,
        silent: () => end(tab, 4012, "silent", false),
        gone: (isBack) => forget(tab, isBack),
      }, locks),
    };
    tabs.add(tab);
    clearTimeout(lingering);
  }

  /** @param {Tab} tab @param {any} frame @param {string} text */
  function request(tab, frame, text) {
    const { type, id } = frame;
    const isIn = tab.state === "in";
    if (type === "join") return enter(tab, frame);
    if (type === "leave") {
      sendFrame(tab, { type: "closed", reason: "left" });
      return end(tab, 1000, "left", false);
    }
    if (type === "pause" && isIn) return pause(tab);
    if (type === "unpause" && isIn && tab.isPaused) {
      tab.isPaused = false;
      return wait(tab, { ...frame, cursor: tab.pausedAt, lives: true });
    }
    if (type === "ping" && isIn) return ping(tab, id);
    if (type === "signal" && isIn) return signal(tab, frame, text);
    sendFrame(tab, { type: "error", id, code: "bad_message", message: "the message cannot be understood" });
  }

  /** @param {Tab} tab @param {any} frame */
  function enter(tab, frame) {
    // The tab is another viewer than that of this connection.
    if (viewer && frame.viewer !== undefined && !keys.has(frame.viewer)) return refer(tab);
    if (!viewer) begin(/** @type {import("./tab-port.js").Hello} */ (tab.hello), frame.viewer);
    wait(tab, frame);
  }

  /** Has a tab wait for the answer to its request. @param {Tab} tab @param {any} ask */
  function wait(tab, ask) {
    const ms = Math.min(HOLD_MS, HOLD_PART * (tab.hello?.answerTimeoutMs ?? Infinity));
    clearTimeout(tab.timer);
    tab.timer = setTimer(() => end(tab, ...last, true), ms);
    tab.ask = ask;
    tab.state = "asking";
    updatePause();
    serve();
  }

  /** Begins the viewer. @param {import("./tab-port.js").Hello} hello @param {string | undefined} key The viewer's key. */
  function begin({ address, room: id, token, hasTokens, reconnect, answerTimeoutMs }, key) {
    history = roomHistory();
    keys = new Set([key]);
    last = [1006, "silent"];
    page.hidden = false;
    const mine = (viewer = watch(address, id, {
      reconnect,
      answerTimeoutMs,
      token: hasTokens ? tokens.ask : token,
      WebSocket: Tap,
      share: false,
      identity: { getItem: () => key ?? null, setItem: (/** @type {string} */ _, /** @type {string} */ newer) => keys.add(newer) },
    }));
    listen(mine, (status) => mine === viewer && takeStatus(status));
  }

  /** @param {Tab} tab */
  function pause(tab) {
    tab.isPaused = true;
    tab.isFilling = history.isFilling();
    tab.pausedAt = history.cursor();
    updatePause();
  }

  /** Pings the server for a tab. @param {Tab} tab @param {string} id */
  function ping(tab, id) {
    const before = asked.count();
    // The viewer sends a ping of its own, and gives its connection up if there is no answer.
    show();
    if (asked.count() === before) question();
    asked.wait(tab, id);
  }

  /** Sends a ping of the relay. Returns its id. */
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
    // All tabs are one viewer, and the server closes a connection after too many refusals.
    const isTooBig = isOver(bytesOf(textOf(params) ?? ""), signalBytes);
    const code = isTooBig ? "too_big" : credit < 1 ? "rate" : backlog() >= STALE_BYTES_MAX ? "unavailable" : "";
    if (code) return sendFrame(tab, { type: "error", code, message: "the signal was not passed on", retryInMs: 1_000 });
    credit -= 1;
    send(text);
    asked.signal(tab, room.limits ? question() : "");
  }

  /** Has the viewer check its connection, since a tab was shown. */
  function show() {
    page.dispatchEvent(new Event("visibilitychange"));
  }

  /** Pauses or resumes the viewer: it pauses while no tab wants messages. */
  function updatePause() {
    const there = [...tabs].filter(({ state }) => /^(asking|in)$/.test(state));
    const isHidden = there.every((tab) => tab.isPaused);
    // Tabs that are `out` will reconnect.
    if (!there.length || isHidden === page.hidden) return;
    page.hidden = isHidden;
    if (history.isIn()) show();
  }

  /**
   * Closes a tab's connection.
   * @param {Tab} tab @param {number} code @param {string} reason @param {boolean} isBack Whether to notify the tab when it may reconnect.
   */
  function end(tab, code, reason, isBack) {
    clearTimeout(tab.timer);
    tab.port.post({ close: [code, reason] });
    if (!isBack) return forget(tab, false);
    tab.state = "out";
    updatePause();
  }

  /** Forgets a tab; without any, closes the connection. @param {Tab} tab @param {boolean} isBack Whether the tab may reconnect. */
  function forget(tab, isBack) {
    if (!tabs.delete(tab)) return;
    clearTimeout(tab.timer);
    tab.port.end();
    tab.state = "gone";
    tokens.gone(tab.port);
    updatePause();
    if (tabs.size || !viewer) return;
    if (isBack) lingering = setTimeout(leave, LINGER_MS);
    else leave();
  }

  function forgetViewer() {
    viewer = undefined;
    room = {};
  }

  function leave() {
    const mine = viewer;
    forgetViewer();
    history.cut();
    mine?.leave();
  }

  return { connect };
}
