// Shows the status and messages of a viewer or owner in an overlay, for developers of the page. Must not know sockets or frames, nor show
// an owner key or a token.

import { panelOf } from "./panel.js";

/**
 * The inspected viewer or owner.
 * @typedef {Pick<import("./viewer.js").Viewer<any>, "id" | "status" | "state" | "entered" | "bufferedAmount" | "stats" | "reconnect">
 *   & { audience: { value: any }, listen: (name: any, func: (...values: any[]) => void, options?: import("./listeners.js").ListenOptions) => () => void }} Inspected
 */

/**
 * The options of the inspector.
 * @typedef {object} InspectOptions
 * @property {number} [messages] The maximum number of messages shown. Default 50.
 * @property {boolean} [focus] Whether to move the keyboard focus to the overlay, such as when a key opened it. Default false.
 * @property {Element} [parent] The parent element of the overlay. Default the page's body.
 */

/** The default maximum number of messages shown. */
const MESSAGES = 50;

/** The maximum number of keys of the state shown. */
const KEYS_MAX = 50;

/** The maximum number of characters shown of parameters, and of a key. */
const PARAMS_MAX = 120;
const WORD_MAX = 60;

/** How long changes are collected before they are shown, in milliseconds. */
const GATHER_MS = 100;

/** The interval at which times are updated, in milliseconds. */
const TICK_MS = 1_000;

/** @typedef {{ at: number, mark: string, key: string, params?: any, late?: boolean }} Entry */

/** @param {string} text @param {number} most */
const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** @param {number} count @param {string} one */
const many = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;

/** @param {number} ms */
const age = (ms) => (ms < 1_000 ? "now" : ms < 120_000 ? `${Math.floor(ms / 1_000)} s ago` : `${Math.floor(ms / 60_000)} min ago`);

/** @param {number} bytes */
const size = (bytes) => (bytes < 1_024 ? `${bytes} B` : `${(bytes / 1_024).toFixed(1)} KiB`);

/**
 * Shows an overlay with the room's status, connection, state and newest messages. Escape closes it while it has the focus. All content
 * from the network is shown as text.
 * @param {Inspected} room A viewer or an owner.
 * @param {InspectOptions} [options]
 * @returns {() => void} Removes the overlay and its listeners.
 */
export function inspect(room, { messages: most = MESSAGES, focus = false, parent = document.body } = {}) {
  const isOwner = "publish" in room;
  const over = new AbortController();
  const { signal } = over;
  /** @type {Entry[]} The newest first. */
  const entries = [];
  /** The text of parameters, which do not change. @type {WeakMap<any[], string>} */
  const texts = new WeakMap();
  /** @type {ReadonlyMap<string, any> | undefined} The shown state. */
  let shown;
  let isNew = true;
  /** The message of the error with which it closed. */
  let sentence = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let dueAt = Infinity;

  const panel = panelOf(parent, `Inspector of a room: ${isOwner ? "owner" : "viewer"}`, {
    signal,
    close,
    reconnect: () => room.reconnect(),
  });

  /** Returns the text without the owner's key, which an application may have put into it. @param {string} text */
  function redact(text) {
    const { ownerKey } = /** @type {any} */ (room);
    return ownerKey ? text.replaceAll(ownerKey, "…") : text;
  }

  /** @param {any} params */
  function textOf(params) {
    if (!Array.isArray(params)) return "";
    const text = texts.get(params) ?? short(redact(JSON.stringify(params).slice(1, -1)), PARAMS_MAX);
    texts.set(params, text);
    return text;
  }

  /** @param {string} key */
  const keyOf = (key) => short(redact(key), WORD_MAX);

  /** @param {string} mark @param {string} key @param {any} [params] @param {boolean} [late] */
  function note(mark, key, params, late) {
    entries.unshift({ at: Date.now(), mark, key, params, late });
    entries.length = Math.min(entries.length, most);
    isNew = true;
    schedule();
  }

  /** @param {number} [ms] */
  function schedule(ms = GATHER_MS) {
    const at = Date.now() + ms;
    if (signal.aborted || at >= dueAt) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(show, ms);
  }

  /** Notes the changes of an owner's state: an owner receives no `message` events. @param {ReadonlyMap<string, any>} state */
  function compare(state) {
    if (!isOwner || !shown) return;
    for (const key of shown.keys()) if (!state.has(key)) note("cleared", key);
    for (const [key, params] of state) if (shown.get(key) !== params) note("state", key, params);
  }

  function show() {
    dueAt = Infinity;
    const status = room.status.value;
    const { name, reason, code, retryInMs, since, reset, how, why } = /** @type {any} */ (status);
    const words = [
      reason && `${reason}${code ? ` (${code})` : ""}`,
      why && `ended: ${why}`,
      sentence,
      retryInMs !== undefined && `next try in ${(retryInMs / 1_000).toFixed(1)} s`,
      since !== undefined && `away since ${new Date(since).toLocaleTimeString()}`,
      reset && `reset: ${reset}`,
      how,
    ].filter(Boolean);
    panel.status(name, short(redact(words.join(" · ")), 2 * PARAMS_MAX));

    const { roundTripMs, attempts, connections, lastFrameAt } = room.stats();
    const { number, term, graceMs } = /** @type {any} */ (room);
    const { viewers, lagging, behindP95Ms } = room.audience.value ?? {};
    panel.facts([
      ["Room", room.id || "–"],
      ["Round trip", roundTripMs === undefined ? "–" : `${roundTripMs.toFixed(roundTripMs < 10 ? 1 : 0)} ms`],
      ["Attempts", `${attempts}`],
      ["Connections", `${connections}`],
      ["Last frame", lastFrameAt === undefined ? "–" : age(Date.now() - lastFrameAt)],
      ["Buffered", size(room.bufferedAmount)],
      ...(isOwner ? [["Term", `${term ?? "–"}`], ["Grace", graceMs === undefined ? "–" : `${graceMs / 1_000} s`]] : [["Viewer number", `${number ?? "–"}`]]),
      ["Audience", viewers === undefined ? "–" : many(viewers, "viewer") + (lagging ? `, ${lagging} lagging (p95 ${behindP95Ms} ms)` : "")],
    ]);

    const state = room.state.getSnapshot();
    compare(state);
    if (state !== shown) {
      shown = state;
      const newest = [...state].reverse().slice(0, KEYS_MAX);
      panel.state(newest.map(([key, params]) => [keyOf(key), textOf(params)]), state.size);
    }
    if (isNew) {
      isNew = false;
      panel.messages(entries.map(({ at, mark, key, params, late }) => ({
        time: new Date(at).toLocaleTimeString(), mark, late, key: keyOf(key), text: textOf(params),
      })));
    }
    // A closed room does not change any more.
    if (name !== "closed") schedule(TICK_MS);
    panel.isOver(name === "closed");
  }

  function close() {
    if (signal.aborted) return;
    over.abort();
    clearTimeout(timer);
    panel.remove();
  }

  room.status.subscribe(({ name }) => note("status", name), { signal });
  room.state.subscribe(() => schedule(), { signal });
  for (const name of isOwner ? ["signal", "reset", "refused"] : ["message", "reset", "refused"]) {
    room.listen(name, (/** @type {any} */ event) => {
      const { key, params, counts, late, state, cleared, error = event } = event;
      if (name === "message") note(cleared ? "cleared" : state ? "state" : "event", key, params, late);
      else if (name === "signal") note("signal", key, params ?? counts);
      else if (name === "reset") note("reset", event.reason);
      else note("refused", key ?? "", [error.code]);
    }, { signal });
  }
  room.entered.catch((/** @type {any} */ { message }) => {
    sentence = message;
    schedule();
  });
  show();
  if (focus) panel.focus();
  return close;
}
