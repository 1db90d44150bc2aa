// The element `<rtb-value>`, which shows the value of a key as text: for pages without a framework. Must not know sockets.
//
//   <rtb-value server="/broadcasting" room="ID" key="slide">nothing yet</rtb-value>

import { watch } from "./viewer.js";

/** The base class. A server that renders pages has no `HTMLElement`. @type {typeof HTMLElement} */
const Base = globalThis.HTMLElement ?? Object;

/**
 * Shows the first parameter of a key's value, or the parameter at the index `param`. While the key has no value, it shows its own children.
 * The other attributes are `server` (default `/broadcasting`), `room` and `key`. All of them may change. The element sets `status` to the
 * name of its status.
 */
export class RtbValue extends Base {
  /**
   * The options with which all elements call `watch`, such as a `token`. Set them before the first element is in the page.
   * @type {import("./viewer.js").ViewerOptions}
   */
  static options = {};

  static observedAttributes = ["server", "room", "key", "param"];

  /** Shows the element's children. */
  #slot = this.ownerDocument.createElement("slot");
  /** The shown content. The element's children stay as they are. */
  #shown = this.attachShadow({ mode: "open" });
  /** @type {import("./viewer.js").Viewer<import("./viewer.js").AnyMessages> | undefined} */
  #viewer;
  /** The server and room of `#viewer`; empty without one. */
  #where = "";
  /** @type {(() => void) | undefined} Unsubscribes from the key. */
  #off;
  /** Whether an update is scheduled. */
  #isDue = false;

  connectedCallback() {
    this.#change();
  }

  disconnectedCallback() {
    this.#change();
  }

  attributeChangedCallback() {
    this.#change();
  }

  /** Hides the old value at once, and schedules one update for all changes of this turn. */
  #change() {
    this.#off?.();
    this.#shown.replaceChildren(this.#slot);
    if (!this.#isDue) queueMicrotask(() => this.#look());
    this.#isDue = true;
  }

  #look() {
    this.#isDue = false;
    const room = this.getAttribute("room");
    const server = this.getAttribute("server") ?? "/broadcasting";
    const where = this.isConnected && room ? `${server} ${room}` : "";
    if (where !== this.#where) {
      this.#viewer?.leave();
      this.#viewer = where && room ? watch(server, room, RtbValue.options) : undefined;
      this.#viewer?.status.subscribe(() => this.#showStatus());
      this.#where = where;
    }
    this.#off = this.#viewer?.state.key(this.getAttribute("key") ?? "").subscribe((params) => this.#show(params));
    this.#show(this.#viewer?.state.get(this.getAttribute("key") ?? ""));
    this.#showStatus();
  }

  #showStatus() {
    const name = this.#viewer?.status.value.name;
    if (name) this.setAttribute("status", name);
    else this.removeAttribute("status");
  }

  /** @param {readonly any[] | undefined} params */
  #show(params) {
    const value = params?.[Number(this.getAttribute("param") ?? 0)] ?? undefined;
    // As text, never as HTML.
    this.#shown.replaceChildren(value === undefined ? this.#slot : typeof value === "object" ? JSON.stringify(value) : String(value));
  }
}

const names = globalThis.customElements;
if (names && !names.get("rtb-value")) names.define("rtb-value", RtbValue);
