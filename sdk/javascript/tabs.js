// A replacement of WebSocket that shares one connection among the tabs of a browser, through a shared worker. Without such a worker it opens
// a connection of its own. Loaded by viewers with `share: "tabs"`. Must not know frames: it only keeps the first one to send it again.

/** The timeout of the worker's first answer, in milliseconds. */
const READY_MS = 1_000;

/** After how many characters a tab acknowledges them to the worker, and the fixed cost of a frame in characters. */
const TAKEN_STEP = 65_536;
const FRAME_SIZE = 64;

/** The version of the messages between tab and worker: the worker may be of an older page than the tab. */
const VERSION = 1;

/**
 * Returns the FNV-1a hash of a text (64 bits), which does not show the text.
 * @param {string} text
 */
function hash(text) {
  let sum = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  return sum.toString(36);
}

/**
 * Returns the class with which one viewer connects.
 * @param {any} Socket The class for connections that are not shared.
 * @param {string} address
 * @param {string} room
 * @param {any} [options] The viewer's options. Tabs share a connection if some of these are the same.
 * @param {() => void} [back] Called when the shared connection is back and this viewer is disconnected.
 * @param {(func: any, event: Event) => void} [callSafely] Calls a function that may throw.
 * @returns {any}
 */
export function tabs(Socket, address, room, { token, identity, reconnect, answerTimeoutMs } = {}, back = () => {}, callSafely = (func, event) => func?.(event)) {
  const hasTokens = typeof token === "function";
  const secret = hasTokens ? "asked for" : token === undefined ? "" : hash(token);
  const name = `rtbroadcaster ${VERSION} ${[address, room, secret, identity ? "kept" : ""].map(encodeURIComponent).join(" ")}`;
  /** Returns a name for a lock: 64 random bits, so that no two connections have the same. */
  const nextId = () => crypto.getRandomValues(new Uint32Array(2)).join("-");
  let isBroken = !globalThis.SharedWorker;
  /** @type {Tab | undefined} The newest connection. */
  let before;

  class Tab extends EventTarget {
    /** @type {any} */ onopen = null;
    /** @type {any} */ onmessage = null;
    /** @type {any} */ onclose = null;
    /** @type {any} */ onerror = null;
    readyState = 0;
    protocol = "";
    /** The parameters of the constructor. @type {[string, string]} */
    #parameters;
    /** @type {MessagePort | undefined} */
    #port;
    /** @type {any} The tab's own connection, if it does not share one. */
    #socket;
    /** @type {string | undefined} The request that the worker has not answered. */
    #asked;
    /** Removes the listeners of this connection. */
    #over = new AbortController();
    /** Releases the lock. @type {(value?: any) => void} */
    #release = () => {};
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;
    #received = 0;
    #acknowledged = 0;

    /** @param {string} url @param {string} protocol */
    constructor(url, protocol) {
      super();
      this.#parameters = [url, protocol];
      if (before) before.#detach();
      before = this;
      try {
        if (isBroken) this.#openOwn();
        else this.#share();
      } catch (error) {
        if (isBroken) throw error;
        isBroken = true;
        this.#openOwn();
      }
    }

    get bufferedAmount() {
      return this.#socket?.bufferedAmount ?? 0;
    }

    get _socket() {
      return this.#socket?._socket;
    }

    /** @param {string} text */
    send(text) {
      if (this.#socket) return this.#socket.send(text);
      this.#asked ??= text;
      this.#port?.postMessage(text);
    }

    /** @param {number} [code] */
    close(code) {
      // After a close event the port stays open: the worker's notice that it may reconnect is still to come.
      if (this.readyState === 3) return;
      this.readyState = 3;
      this.#socket?.close(code);
      this.#detach();
    }

    #share() {
      const shared = new SharedWorker(new URL("./tabs-worker.js", import.meta.url), { type: "module", name });
      this.#port = shared.port;
      shared.onerror = () => {
        isBroken = true;
        this.#fallBack();
      };
      this.#timer = setTimeout(() => this.#fallBack(), READY_MS);
      this.#port.onmessage = ({ data }) => this.#receive(data);
      void this.#sendHello();
      const { signal } = this.#over;
      const shown = () => globalThis.document?.hidden || this.#port?.postMessage({ shown: true });
      globalThis.document?.addEventListener("visibilitychange", shown, { signal });
      globalThis.addEventListener?.("focus", shown, { signal });
      globalThis.addEventListener?.("pagehide", () => this.#disconnect(), { signal });
      // For a page that comes back from the browser's cache.
      globalThis.addEventListener?.("pageshow", () => this.#port || this.#end(1006, ""), { signal });
    }

    /** Sends the first message, once this tab holds a lock: its release shows the worker that the tab is closed. */
    async #sendHello() {
      const lock = await this.#lock(`${name} ${nextId()}`);
      const hello = { address, room, token: hasTokens ? undefined : token, hasTokens, lock, answerTimeoutMs, reconnect: undefined };
      if (reconnect) hello.reconnect = /** @type {any} */ ({ firstMs: reconnect.firstMs, maxMs: reconnect.maxMs });
      this.#port?.postMessage({ hello });
    }

    /** Resolves to the name of the lock once it is held; to `undefined` if the browser has no locks. @param {string} lock */
    #lock(lock) {
      const { locks } = globalThis.navigator ?? {};
      return new Promise((/** @type {(name?: string) => void} */ resolve) => {
        const held = () => {
          resolve(lock);
          return this.#port && new Promise((end) => (this.#release = end));
        };
        if (locks) locks.request(lock, held).catch(() => resolve());
        else resolve();
      });
    }

    /** Waits for the lock that the worker holds as long as it lives, to notice its crash. @param {string} lock */
    #watch(lock) {
      const { signal } = this.#over;
      globalThis.navigator?.locks?.request(lock, { signal }, () => this.#end(1006, "")).catch(() => {});
    }

    /** Takes a message of the worker. @param {any} word Texts of frames, or an object about the connection. */
    #receive(word) {
      if (Array.isArray(word)) {
        this.#asked = undefined;
        for (const text of word) this.#deliver(text);
        return;
      }
      if (word.ready) this.#open(this.#parameters[1]);
      if (word.lock) this.#watch(word.lock);
      if (word.own) this.#fallBack();
      if (word.close) this.#end(word.close[0], word.close[1]);
      if (word.sign) this.#acknowledge();
      if (word.asks) void this.#bringToken(word.asks);
      if (word.back) {
        this.#detach();
        if (reconnect !== false) back();
      }
    }

    /** @param {string} text */
    #deliver(text) {
      // An earlier frame may have closed it.
      if (this.readyState === 1) this.#emit("message", { data: text });
      this.#received += text.length + FRAME_SIZE;
      if (this.#received - this.#acknowledged >= TAKEN_STEP) this.#acknowledge();
    }

    #acknowledge() {
      this.#port?.postMessage({ taken: (this.#acknowledged = this.#received) });
    }

    /** @param {number} id */
    async #bringToken(id) {
      try {
        this.#port?.postMessage({ answers: id, token: await token() });
      } catch (error) {
        this.#port?.postMessage({ answers: id, error: `${error}` });
      }
    }

    /** @param {string} protocol */
    #open(protocol) {
      clearTimeout(this.#timer);
      if (this.readyState) return;
      this.readyState = 1;
      this.protocol = protocol;
      this.#emit("open", {});
    }

    /** Fires the close event. The port stays open for the worker's notice that it may reconnect. @param {number} code @param {string} reason */
    #end(code, reason) {
      if (this.readyState === 3) return;
      clearTimeout(this.#timer);
      this.readyState = 3;
      this.#emit("close", { code, reason });
    }

    /** Continues without the worker, on a connection of its own. */
    #fallBack() {
      if (this.#socket || this.readyState > 1) return;
      try {
        this.#openOwn();
      } catch (error) {
        this.#end(1006, "");
      }
    }

    #openOwn() {
      this.#detach();
      const real = (this.#socket = new Socket(...this.#parameters));
      real.onerror = () => {};
      real.onmessage = (/** @type {any} */ { data }) => this.#emit("message", { data });
      real.onclose = (/** @type {any} */ { code, reason }) => this.#end(code, reason);
      real.onopen = () => {
        if (!this.readyState) return this.#open(real.protocol);
        // The viewer has sent its request already.
        if (real.protocol !== this.protocol) this.#end(1002, "protocol");
        else if (this.#asked !== undefined) real.send(this.#asked);
      };
    }

    /** Removes the listeners, and disconnects from the worker. */
    #detach() {
      clearTimeout(this.#timer);
      this.#over.abort();
      this.#disconnect();
    }

    /** Disconnects from the worker. */
    #disconnect() {
      this.#release();
      this.#port?.postMessage({ bye: true });
      this.#port?.close();
      this.#port = undefined;
    }

    /** @param {string} type @param {object} members */
    #emit(type, members) {
      const event = Object.assign(new Event(type), members);
      callSafely(/** @type {any} */ (this)[`on${type}`], event);
      this.dispatchEvent(event);
    }
  }
  return Tab;
}
