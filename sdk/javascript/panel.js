// The elements and styles of the inspector. Shows text only, never HTML. Must not know rooms.

const LOOK = `
:host { all: initial; position: fixed; inset: auto 12px 12px auto; z-index: 2147483647; width: min(380px, calc(100vw - 24px));
  --ground: #fff; --ink: #1b1c22; --soft: #5b5e6b; --line: #d9dbe3; --tint: #f1f2f6; --accent: #2f55c8; --good: #18794e; --doubt: #8a5a00; --bad: #b3261e;
  color-scheme: light; color: var(--ink); font: 13px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
@media (prefers-color-scheme: dark) { :host { color-scheme: dark; --ground: #1d1e24; --ink: #f0f1f5; --soft: #b0b3c0; --line: #3a3c47; --tint: #282a33;
  --accent: #9db5ff; --good: #6fd3a0; --doubt: #f0c063; --bad: #ff9d94; } }
* { box-sizing: border-box; margin: 0; padding: 0; }
section { display: flex; flex-direction: column; max-height: min(72vh, 640px); border: 1px solid var(--line); border-radius: 12px;
  background: var(--ground); box-shadow: 0 12px 36px #0004; overflow: hidden; }
header { display: flex; align-items: center; gap: 8px; padding: 8px 8px 8px 12px; }
header strong { flex: 1; min-width: 0; overflow-wrap: anywhere; font-size: 14px; }
header strong::before { content: ""; display: inline-block; width: 10px; height: 10px; margin-right: 8px; border-radius: 50%; background: var(--doubt); }
header strong.live::before { background: var(--good); }
header strong.closed::before, header strong.elsewhere::before { background: var(--bad); }
button { min-height: 32px; padding: 0 10px; border: 1px solid var(--line); border-radius: 8px; background: var(--tint); color: inherit; font: inherit; font-weight: 600; cursor: pointer; }
button:disabled { color: var(--soft); cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.why { padding: 0 12px 8px; color: var(--soft); overflow-wrap: anywhere; }
.why:empty { display: none; }
.rest { overflow: auto; overscroll-behavior: contain; border-top: 1px solid var(--line); padding: 8px 12px 12px; }
[hidden] { display: none; }
dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 2px 12px; font-variant-numeric: tabular-nums; }
dt, h2 span, time { color: var(--soft); }
dd { overflow-wrap: anywhere; }
h2 { margin: 12px 0 4px; font-size: 13px; }
ul { list-style: none; }
li { display: flex; flex-wrap: wrap; gap: 0 6px; padding: 3px 0; border-top: 1px solid var(--line); }
code { font: 12px/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; unicode-bidi: isolate; }
code + code { color: var(--soft); }
i { font-style: normal; padding: 0 5px; border-radius: 5px; background: var(--tint); color: var(--soft); }
i.late, i.status, i.cleared { color: var(--doubt); }
i.reset, i.refused { color: var(--bad); }
`;

/**
 * @typedef {{ time: string, mark: string, late?: boolean, key: string, text: string }} Row
 */

/**
 * Adds a panel to the page, and returns it.
 * @param {Element} parent
 * @param {string} label
 * @param {{ signal: AbortSignal, close: () => void, reconnect: () => void }} does
 */
export function panelOf(parent, label, { signal, close, reconnect }) {
  const page = parent.ownerDocument;
  const host = page.createElement("rtbroadcaster-inspector");
  const root = host.attachShadow({ mode: "open" });
  // A constructed style sheet: a page's policy may forbid inline styles.
  const sheet = new (/** @type {any} */ (page.defaultView ?? globalThis)).CSSStyleSheet();
  sheet.replaceSync(LOOK);
  root.adoptedStyleSheets = [sheet];

  /** @param {string} name @param {Record<string, any>} [members] @param {(Node | string)[]} children */
  function make(name, members, ...children) {
    const element = page.createElement(name);
    for (const [member, value] of Object.entries(members ?? {})) element.setAttribute(member, value);
    element.append(...children);
    return element;
  }

  /** @param {string} text @param {Record<string, string>} members @param {() => void} act */
  function button(text, members, act) {
    const element = /** @type {HTMLButtonElement} */ (make("button", { type: "button", ...members }, text));
    element.addEventListener("click", act, { signal });
    return element;
  }

  const name = make("strong", { role: "status" });
  const why = make("p", { class: "why" });
  const facts = make("dl");
  const count = make("span");
  const state = make("ul", { "aria-label": "State" });
  const messages = make("ul", { "aria-label": "Messages" });
  const rest = make("div", { class: "rest", tabindex: "0", role: "group", "aria-label": "Details" }, facts,
    make("h2", undefined, "State ", count), state, make("h2", undefined, "Messages"), messages);
  const again = button("Reconnect", {}, reconnect);
  const less = button("Less", { "aria-expanded": "true" }, () => {
    rest.hidden = !rest.hidden;
    less.textContent = rest.hidden ? "More" : "Less";
    less.setAttribute("aria-expanded", String(!rest.hidden));
  });
  const end = button("×", { "aria-label": "Close the inspector" }, close);
  root.append(make("section", { "aria-label": label }, make("header", undefined, name, again, less, end), why, rest));

  /** @type {any} The element that had the focus before. */
  let before;
  root.addEventListener("focusin", (/** @type {any} */ { relatedTarget }) => {
    if (relatedTarget && !root.contains(relatedTarget)) before = relatedTarget;
  }, { signal });
  root.addEventListener("keydown", (/** @type {any} */ event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  }, { signal });
  parent.append(host);

  /** Sets a text if it is new: setting the same text would lose the user's selection. @param {Element} element @param {string} text */
  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  /** @param {string} mark @param {string} [text] */
  const markOf = (mark, text = mark) => make("i", { class: mark }, text);

  return {
    /** @param {string} text @param {string} more */
    status(text, more) {
      write(name, text);
      name.className = text;
      write(why, more);
    },

    /** @param {string[][]} pairs */
    facts(pairs) {
      if (!facts.childElementCount) facts.append(...pairs.flatMap(([term]) => [make("dt", undefined, term), make("dd")]));
      pairs.forEach(([, text], at) => write(facts.children[2 * at + 1], text));
    },

    /** @param {string[][]} pairs @param {number} size How many keys there are; not all may be shown. */
    state(pairs, size) {
      write(count, size > pairs.length ? `(the newest ${pairs.length} of ${size} keys)` : `(${size})`);
      state.replaceChildren(...pairs.map((pair) => make("li", undefined, ...pair.map((text) => make("code", undefined, text)))));
    },

    /** @param {Row[]} rows The newest first. */
    messages(rows) {
      messages.replaceChildren(...rows.map(({ time, mark, late, key, text }) => make("li", undefined, make("time", undefined, time),
        markOf(mark), ...(late ? [markOf("late")] : []), make("code", undefined, key), make("code", undefined, text))));
    },

    /** @param {boolean} is */
    isOver(is) {
      again.disabled = is;
    },

    focus: () => end.focus(),

    remove() {
      const hadFocus = Boolean(root.activeElement);
      host.remove();
      if (hadFocus) before?.focus?.();
    },
  };
}
