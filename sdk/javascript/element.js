// An element that shows what a key of a room holds, as text: for pages without a framework. Must not know sockets.
//
//   <rtb-value server="/broadcasting" room="ID" key="slide">nothing yet</rtb-value>

import { watch } from "./viewer.js";

/** What there is to inherit from; a server that renders pages has no elements. @type {typeof HTMLElement} */
const Base = globalThis.HTMLElement ?? Object;

/**
 * Shows the first parameter of what a key holds, or that at the index `param`; while nothing holds, what stands in the element.
 * Other attributes are `server` (default `/broadcasting`), `room` and `key`; `status` tells the name of the status. All may change.
 */
export class RtbValue extends Base {
  /** What all elements hand to `watch`, such as a `token`: to be told before the first one is in the page. @type {import("./viewer.js").ViewerOptions} */
  static options = {};

  static observedAttributes = ["server", "room", "key", "param"];

  /** Shows what stands in the element. */
  #slot = this.ownerDocument.createElement("slot");
  /** What is shown; what stands in the element stays as it is. */
  #shown = this.attachShadow({ mode: "open" });
  /** @type {import("./viewer.js").Viewer<import("./viewer.js").AnyMessages> | undefined} */
  #viewer;
  /** Where that is. */
  #where = "";
  /** @type {(() => void) | undefined} Ends listening to the key. */
  #off;
  /** Whether attributes or places have changed that were not looked at. */
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

  /** Shows nothing that may be wrong, and looks when all that changes together has changed. */
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
      this.#viewer?.status.subscribe(() => this.#tell());
      this.#where = where;
    }
    this.#off = this.#viewer?.state.key(this.getAttribute("key") ?? "").subscribe((params) => this.#show(params));
    this.#show(this.#viewer?.state.get(this.getAttribute("key") ?? ""));
    this.#tell();
  }

  #tell() {
    const name = this.#viewer?.status.value.name;
    if (name) this.setAttribute("status", name);
    else this.removeAttribute("status");
  }

  /** @param {readonly any[] | undefined} params */
  #show(params) {
    const value = params?.[Number(this.getAttribute("param") ?? 0)] ?? undefined;
    // As text, whatever it says.
    this.#shown.replaceChildren(value === undefined ? this.#slot : typeof value === "object" ? JSON.stringify(value) : String(value));
  }
}

const names = globalThis.customElements;
if (names && !names.get("rtb-value")) names.define("rtb-value", RtbValue);
