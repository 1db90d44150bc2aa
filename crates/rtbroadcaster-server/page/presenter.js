// The window that presents: publishes the presenter's actions as messages. Must not know the viewers.

import { hidePointer, lay, showHue, showPointer, showSlide, slideCount, slideInWords } from "./deck.js";
import { button, element, input } from "./element.js";
import { own, owned } from "./ownership.js";

/** The name under which this window stores its room and the room's key. */
const KEPT = "presenting";

/** @type {Presenter | undefined} */
let current;

/**
 * Opens a room and presents in it. Does nothing while this window presents already.
 * @param {string} path Where the server's WebSocket is.
 */
export function startPresenting(path) {
  current ??= new Presenter(path);
}

/** Returns whether this window presented before a reload. */
export const wasPresenting = () => owned(KEPT);

class Presenter {
  /** @type {import("/sdk/index.js").Host<any> | undefined} */
  #room;
  /** Removes all listeners when it is aborted. */
  #ended = new AbortController();
  #slide = 1;
  #sent = 0;
  /** @type {number[] | undefined} The position of the pointer, if it is not published yet. */
  #pointer;
  #isPointing = false;
  /** The animation frame that will publish it, or 0. */
  #frame = 0;

  /** @param {string} path */
  constructor(path) {
    lay();
    void this.#open(path);
  }

  /** @param {string} path */
  async #open(path) {
    const ours = await own(path, KEPT, { live: "Presenting", over: () => this.#over() });
    if (!ours) return;
    this.#room = ours.room;
    input("hue").disabled = false;
    ours.room.audience.subscribe(showAudience);
    button("end").addEventListener("click", ours.end, { signal: this.#ended.signal });
    this.#listen();
    this.#goOn(ours.room.state);
    element("stage").focus();
  }

  /** Shows the room's state after a reload of this window, or publishes the initial one. @param {{ get(key: string): any }} state */
  #goOn(state) {
    const [hue] = state.get("hue") ?? [Number(input("hue").value)];
    const [slide] = state.get("slide") ?? [1];
    showHue(hue);
    if (!state.get("hue")) this.#say("hue", [hue], { state: true });
    if (!state.get("slide")) return this.#step(1);
    this.#slide = slide;
    showSlide(slide);
  }

  #listen() {
    const { signal } = this.#ended;
    const stage = element("stage");
    button("previous").addEventListener("click", () => this.#step(this.#slide - 1), { signal });
    button("next").addEventListener("click", () => this.#step(this.#slide + 1), { signal });
    input("hue").addEventListener("input", () => {
      const hue = Number(input("hue").value);
      showHue(hue);
      this.#say("hue", [hue], { state: true });
    }, { signal });
    stage.addEventListener("pointermove", (event) => this.#point(event), { signal });
    stage.addEventListener("pointerdown", (event) => this.#point(event), { signal });
    stage.addEventListener("pointerleave", () => this.#rest(), { signal });
    stage.addEventListener("pointercancel", () => this.#rest(), { signal });
    document.addEventListener("keydown", (event) => this.#press(event), { signal });
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape") return this.#rest();
    // Keys in an input field belong to the field.
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
    this.#say("slide", [number], { state: true });
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const box = element("stage").getBoundingClientRect();
    const part = (/** @type {number} */ at, /** @type {number} */ from, /** @type {number} */ length) =>
      Math.round(Math.min(1, Math.max(0, (at - from) / length)) * 10_000) / 10_000;
    this.#pointer = [part(event.clientX, box.left, box.width), part(event.clientY, box.top, box.height)];
    this.#isPointing = true;
    // At most one message per animation frame, however often the mouse reports.
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#sayPointer());
  }

  #sayPointer() {
    this.#frame = 0;
    if (!this.#pointer) return;
    showPointer(this.#pointer[0], this.#pointer[1]);
    this.#say("pointer", this.#pointer, { ephemeral: true });
    this.#pointer = undefined;
  }

  #rest() {
    if (!this.#isPointing) return;
    this.#isPointing = false;
    this.#pointer = undefined;
    hidePointer();
    this.#say("pointer", [], { ephemeral: true });
  }

  /**
   * @param {string} key
   * @param {any[]} params
   * @param {{ state?: boolean, ephemeral?: boolean }} [how]
   */
  #say(key, params, how) {
    if (this.#room?.status.value.name !== "live" && how?.ephemeral) return;
    const count = () => {
      this.#sent += 1;
      element("sent").textContent = this.#sent.toLocaleString("en");
    };
    // The status shows why a message cannot be published.
    this.#room?.publish(key, params, how).then(count, () => {});
  }

  #over() {
    this.#ended.abort();
    cancelAnimationFrame(this.#frame);
    current = undefined;
  }
}

/** @param {{ viewers: number, lagging: number }} audience */
function showAudience({ viewers, lagging }) {
  element("viewers").textContent = viewers.toLocaleString("en");
  const lag = lagging > 0 ? `, ${lagging.toLocaleString("en")} catching up` : "";
  element("watching").textContent = (viewers === 1 ? "viewer follows" : "viewers follow") + lag;
}
