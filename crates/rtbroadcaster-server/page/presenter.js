// The window that presents: turns what its person does into messages. Must not know who watches.

import { RTBroadcaster } from "/sdk/rtbroadcaster.js";
import { button, element, hidePointer, input, lay, showHue, showPointer, showSlide, slideCount, slideInWords } from "./deck.js";
import { showInvitation } from "./invitation.js";
import { showNotice, showRoom, showStatus } from "./view.js";

/** Bytes that may wait to leave before the pointer rests: it is worth nothing late. */
const WAITING_BYTES_MAX = 16_384;

/** @type {Record<string, string>} Why a room could not be opened or went on no more, in plain words. */
const REASONS = {
  "too many rooms": "The server has as many rooms as it takes. Try again in a little while.",
  unavailable: "The server takes no rooms at the moment. Try again in a little while.",
  "room ended": "The server has ended it, perhaps because it is being restarted.",
};

/** @type {Presenter | undefined} */
let current;

/**
 * Opens a room and presents in it; does nothing while this window presents already.
 * @param {string} path Where the server's WebSocket is.
 */
export function startPresenting(path) {
  current ??= new Presenter(path);
}

class Presenter {
  #room;
  /** The listeners end with it. */
  #ended = new AbortController();
  #slide = 1;
  #sent = 0;
  /** @type {number[] | undefined} Where the pointer is, if that was not said yet. */
  #pointer;
  #isPointing = false;
  /** The frame that will say it, or 0. */
  #frame = 0;
  #wasConnected = false;

  /** @param {string} path */
  constructor(path) {
    lay();
    showStatus("Opening a room…", "waiting");
    this.#room = new RTBroadcaster(path, (uuid) => this.#open(uuid), null, null, (text) => console.warn(text), {
      uuid: "",
      onStatus: (event) => {
        if (event.status === "closed") this.#over(event.reason);
      },
    });
  }

  /** @param {string} uuid */
  #open(uuid) {
    this.#wasConnected = true;
    showRoom("presents");
    input("hue").disabled = false;
    showStatus("Presenting");
    showInvitation(uuid);
    this.#listen();
    this.#step(1);
    this.#say("hue", [Number(input("hue").value)], true);
    element("stage").focus();
  }

  #listen() {
    const { signal } = this.#ended;
    const stage = element("stage");
    button("previous").addEventListener("click", () => this.#step(this.#slide - 1), { signal });
    button("next").addEventListener("click", () => this.#step(this.#slide + 1), { signal });
    button("end").addEventListener("click", () => this.#end("ended"), { signal });
    input("hue").addEventListener("input", () => {
      const hue = Number(input("hue").value);
      showHue(hue);
      this.#say("hue", [hue], true);
    }, { signal });
    stage.addEventListener("pointermove", (event) => this.#point(event), { signal });
    stage.addEventListener("pointerdown", (event) => this.#point(event), { signal });
    stage.addEventListener("pointerleave", () => this.#rest(), { signal });
    stage.addEventListener("pointercancel", () => this.#rest(), { signal });
    document.addEventListener("keydown", (event) => this.#press(event), { signal });
    // A window that is left cannot come back as the owner: viewers learn it now and not after the grace.
    window.addEventListener("pagehide", () => this.#end("left"), { signal });
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape") return this.#rest();
    // A field's own keys stay its own.
    if (event.target instanceof HTMLInputElement) return;
    /** @type {Record<string, number>} */
    const targets = {
      ArrowLeft: this.#slide - 1, ArrowUp: this.#slide - 1, PageUp: this.#slide - 1,
      ArrowRight: this.#slide + 1, ArrowDown: this.#slide + 1, PageDown: this.#slide + 1,
      Home: 1, End: slideCount(),
    };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.#step(target);
  }

  /** @param {number} number */
  #step(number) {
    if (number < 1 || number > slideCount()) return;
    this.#slide = number;
    showSlide(number);
    element("live").textContent = slideInWords();
    this.#say("slide", [number], true);
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const box = element("stage").getBoundingClientRect();
    const part = (/** @type {number} */ at, /** @type {number} */ from, /** @type {number} */ length) =>
      Math.round(Math.min(1, Math.max(0, (at - from) / length)) * 10_000) / 10_000;
    this.#pointer = [part(event.clientX, box.left, box.width), part(event.clientY, box.top, box.height)];
    this.#isPointing = true;
    // One message a frame at most, however often the mouse reports.
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#sayPointer());
  }

  #sayPointer() {
    this.#frame = 0;
    if (!this.#pointer) return;
    if (this.#room.bufferedAmount > WAITING_BYTES_MAX) {
      this.#frame = requestAnimationFrame(() => this.#sayPointer());
      return;
    }
    showPointer(this.#pointer[0], this.#pointer[1]);
    this.#say("pointer", this.#pointer, false);
    this.#pointer = undefined;
  }

  #rest() {
    if (!this.#isPointing) return;
    this.#isPointing = false;
    this.#pointer = undefined;
    hidePointer();
    this.#say("pointer", [], false);
  }

  /**
   * @param {string} key
   * @param {unknown[]} params
   * @param {boolean} isState
   */
  #say(key, params, isState) {
    if (!this.#room.sendAction(key, params, isState)) return;
    this.#sent += 1;
    element("sent").textContent = this.#sent.toLocaleString("en");
  }

  /** @param {"ended" | "left"} how */
  #end(how) {
    // Why comes before the end, as a message like any other: the protocol tells all ends alike.
    this.#say("bye", [how], false);
    this.#room.close();
  }

  /** @param {string} reason */
  #over(reason) {
    this.#ended.abort();
    cancelAnimationFrame(this.#frame);
    current = undefined;
    if (reason === "left") return showNotice("You ended the room", "All viewers were told.");
    const why = REASONS[reason] ?? "";
    if (!this.#wasConnected) return showNotice("No room could be opened", why || "The server does not answer. Is it still running?");
    showNotice("The room is over", why || "The connection to the server was lost. Viewers are told in a moment, and a new room gets a new link.");
  }
}
