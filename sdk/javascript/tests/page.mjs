// The page, as far as the SDK uses it: whether it is visible, and whether there is a network. Must not know the SDK.

import { BrowserTarget } from "./browser-target.mjs";

export class Page {
  #document = new BrowserTarget();

  /** Provides a page until the test ends. */
  constructor(t) {
    const target = new BrowserTarget();
    this.#document.hidden = false;
    Object.assign(globalThis, {
      document: this.#document,
      addEventListener: target.addEventListener.bind(target),
      removeEventListener: target.removeEventListener.bind(target),
      dispatchEvent: target.dispatchEvent.bind(target),
    });
    t.after(() => {
      for (const name of ["document", "addEventListener", "removeEventListener", "dispatchEvent"]) delete globalThis[name];
    });
  }

  hide(isHidden = true) {
    this.#document.hidden = isHidden;
    this.#document.dispatchEvent(new Event("visibilitychange"));
  }

  show() {
    this.hide(false);
  }

  /** Changes the network (`online`, `offline`) or the page (`pagehide`, `pageshow`). */
  network(type, members) {
    globalThis.dispatchEvent(Object.assign(new Event(type), members));
  }
}
