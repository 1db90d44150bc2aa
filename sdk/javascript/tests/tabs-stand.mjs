// A browser with several tabs and a shared worker, in one process. Must not know the tests.

import { relay } from "../relay.js";
import { tabs } from "../tabs.js";
import { watch } from "../viewer.js";
import { BrowserTarget } from "./browser-target.mjs";
import { Room } from "./room.mjs";

const URL = "ws://example.org/b";

/** The timeout of a condition, in milliseconds: longer than any delay of a busy machine. */
const DEADLINE_MS = 20_000;

/** Waits until a condition is true. */
export async function until(holds, what = `${holds}`) {
  const end = performance.now() + DEADLINE_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`in ${DEADLINE_MS} ms it did not come to: ${typeof what === "function" ? what() : what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Lets all messages between tabs, worker and server arrive. */
export async function settle() {
  for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const newPage = () => Object.assign(new BrowserTarget(), { hidden: false });

/** Calls `func` with `page` as its page. */
function on(page, func) {
  const before = globalThis.document;
  globalThis.document = page;
  try {
    return func();
  } finally {
    if (before) globalThis.document = before;
    else delete globalThis.document;
  }
}

/** Locks as in browsers, as far as they are used. */
class Locks {
  #held = new Map();

  async request(name, ...rest) {
    const before = this.#held.get(name);
    const held = rest.pop();
    const mine = (async () => {
      await before;
      if (!rest[0]?.signal.aborted) await held({ name });
    })();
    this.#held.set(name, mine);
    await mine;
  }
}

export class Browser {
  room = new Room();
  /** The workers, by name. */
  workers = new Map();
  tabs = [];
  ports = [];
  /** Whether workers send anything. */
  isMute = false;

  constructor(t, hasLocks = true) {
    const browser = this;
    this.locks = hasLocks ? new Locks() : undefined;
    const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    Object.defineProperty(globalThis, "navigator", { value: { locks: this.locks }, configurable: true });
    globalThis.SharedWorker = class {
      constructor(url, { name, type }) {
        if (!/\/tabs-worker\.js$/.test(url) || type !== "module") throw new Error(`${url} is no worker`);
        const { port1, port2 } = new MessageChannel();
        this.port = browser.newest = port1;
        browser.ports.push(port1, port2);
        if (browser.isMute) return;
        if (!browser.workers.has(name)) browser.workers.set(name, browser.#worker());
        browser.workers.get(name).connect(port2);
      }
    };
    t.after(async () => {
      for (const tab of this.tabs) tab.show.leave();
      await settle();
      for (const port of this.ports) port.close();
      delete globalThis.SharedWorker;
      if (before) Object.defineProperty(globalThis, "navigator", before);
      else delete globalThis.navigator;
    });
  }

  #worker() {
    const page = newPage();
    const { locks } = this;
    /** @type {any} */
    let kill;
    const killed = new Promise((resolve) => (kill = resolve));
    const worker = relay({
      page,
      WebSocket: this.room.WebSocket,
      // Its locks are released with it.
      locks: locks && { request: (name, held) => locks.request(name, () => Promise.race([held(), killed])) },
      watch: (...terms) => on(page, () => (worker.viewer = watch(...terms))),
      listen: (show, tell) => show.status.subscribe(tell),
    });
    worker.kill = kill;
    return worker;
  }

  /** Ends every worker, as by a crash: no port answers. */
  crash() {
    for (const { viewer, kill } of this.workers.values()) {
      viewer?.leave();
      kill();
    }
    this.workers.clear();
    for (const port of this.ports) port.onmessage = null;
  }

  /** Ends a tab without a message; its locks are released. */
  vanish({ port, show }) {
    port.postMessage = () => {};
    show.leave();
  }

  /** Stops the delivery to a tab, until the returned function is called. */
  freeze({ port }) {
    const { onmessage } = port;
    const waiting = [];
    port.onmessage = (event) => waiting.push(event);
    return () => {
      port.onmessage = onmessage;
      for (const event of waiting) onmessage.call(port, event);
    };
  }

  /** Opens a tab that watches the room; `told` has its reports. */
  open(options = {}) {
    const tab = new Tab(this, options);
    this.tabs.push(tab);
    return tab;
  }

  /** Opens a tab that is in the room. */
  async join(options) {
    const tab = this.open(options);
    await until(() => tab.name === "live", "the tab is in the room");
    return tab;
  }
}

export class Tab {
  /** Its reports: messages, resets and refusals. */
  told = [];
  statuses = [];
  audience;
  page = newPage();
  back = 0;

  constructor(browser, { reconnect = { firstMs: 2, maxMs: 5 }, ...options } = {}) {
    const { room } = browser;
    const all = { reconnect, ...options };
    // Counts a connection of its own.
    this.own = 0;
    const tab = this;
    const Own = class extends room.WebSocket {
      constructor(...terms) {
        super(...terms);
        tab.own += 1;
      }
    };
    const Shared = tabs(Own, URL, room.id, all, () => {
      this.back += 1;
      this.show.reconnect();
    });
    this.Shared = class extends Shared {
      constructor(...terms) {
        super(...terms);
        tab.socket = this;
        tab.port = browser.newest;
      }
    };
    // Attempts are made later too, and need their page.
    this.show = on(this.page, () => watch(URL, room.id, { ...all, WebSocket: this.Shared }));
    this.show.listen("message", ({ seq, key, params, cleared }) => this.told.push(`${seq ?? "-"} ${key} ${cleared ? "cleared" : JSON.stringify(params)}`));
    this.show.listen("reset", ({ reason }) => this.told.push(`reset ${reason}`));
    this.show.listen("refused", ({ code }) => this.told.push(`refused ${code}`));
    this.show.audience.subscribe(({ viewers }) => (this.audience = viewers));
    this.show.status.subscribe((status) => this.statuses.push([status.name, status.code, status.reason].filter(Boolean).join(" ")));
  }

  get name() {
    return this.show.status.value.name;
  }

  /** The state, as this tab has it. */
  get state() {
    return [...this.show.state.getSnapshot()].map(([key, params]) => key + JSON.stringify(params)).join(" ");
  }

  hide(isHidden = true) {
    this.page.hidden = isHidden;
    this.page.dispatchEvent(new Event("visibilitychange"));
  }

  /** Loses its connection to the worker, and reconnects. */
  lose() {
    const { onclose } = this.socket;
    this.socket.close(1000);
    onclose({ code: 1006, reason: "" });
  }

  signal(key, params) {
    return this.show.signal(key, params);
  }
}

/** Returns the state of a room. */
export const stateOf = (room) => [...room.state.values()].map(({ key, params }) => key + JSON.stringify(params)).join(" ");
