// What a viewer connects with where the tabs of a browser share one connection: stands for a WebSocket, and speaks to a shared worker.
// Without such a worker it is a connection of its own. Loaded by a viewer that asks for it. Must not know frames, but for the first one.

/** How long the worker may take until it says that it is there, in milliseconds. */
const READY_MS = 1_000;

/** How many characters a tab takes before it tells the worker so, and what a frame counts besides. */
const TAKEN_STEP = 65_536;
const FRAME_SIZE = 64;

/** The words that tab and worker speak. A tab of a newer page may meet the worker of an older one. */
const VERSION = 1;

/**
 * A number for a text, from which the text is not seen (FNV-1a, 64 bits).
 * @param {string} text
 */
function hash(text) {
  let sum = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  return sum.toString(36);
}

/**
 * Returns the class that one viewer connects with.
 * @param {any} Socket What connects where nothing is shared.
 * @param {string} address
 * @param {string} room
 * @param {any} [options] The viewer's: those in which the tabs agree share a connection.
 * @param {() => void} [back] Called when the shared connection is there again, and this viewer is not.
 * @param {(func: any, event: Event) => void} [attempt] Calls what may throw.
 * @returns {any}
 */
export function tabs(Socket, address, room, { token, identity, reconnect, answerTimeoutMs } = {}, back = () => {}, attempt = (func, event) => func?.(event)) {
  const hasTokens = typeof token === "function";
  const secret = hasTokens ? "asked for" : token === undefined ? "" : hash(token);
  const name = `rtbroadcaster ${VERSION} ${[address, room, secret, identity ? "kept" : ""].map(encodeURIComponent).join(" ")}`;
  /** Names for locks: 64 random bits, so that no two connections have the same. */
  const nextId = () => crypto.getRandomValues(new Uint32Array(2)).join("-");
  let isBroken = !globalThis.SharedWorker;
  /** @type {Tab | undefined} The one before. */
  let before;

  class Tab extends EventTarget {
    /** @type {any} */ onopen = null;
    /** @type {any} */ onmessage = null;
    /** @type {any} */ onclose = null;
    /** @type {any} */ onerror = null;
    readyState = 0;
    protocol = "";
    /** What this connection was begun with. @type {[string, string]} */
    #terms;
    /** @type {MessagePort | undefined} */
    #port;
    /** @type {any} The connection of its own. */
    #real;
    /** @type {string | undefined} The request that the worker has not answered. */
    #asked;
    /** Ends the listeners of this connection. */
    #over = new AbortController();
    /** Lets go of the lock. @type {(value?: any) => void} */
    #release = () => {};
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;
    #taken = 0;
    #told = 0;

    /** @param {string} url @param {string} protocol */
    constructor(url, protocol) {
      super();
      this.#terms = [url, protocol];
      if (before) before.#drop();
      before = this;
      try {
        if (isBroken) this.#takeOwn();
        else this.#share();
      } catch (error) {
        if (isBroken) throw error;
        isBroken = true;
        this.#takeOwn();
      }
    }

    get bufferedAmount() {
      return this.#real?.bufferedAmount ?? 0;
    }

    get _socket() {
      return this.#real?._socket;
    }

    /** @param {string} text */
    send(text) {
      if (this.#real) return this.#real.send(text);
      this.#asked ??= text;
      this.#port?.postMessage(text);
    }

    /** @param {number} [code] */
    close(code) {
      // Whoever was told of the end closes, too; the worker's word is still to come.
      if (this.readyState === 3) return;
      this.readyState = 3;
      this.#real?.close(code);
      this.#drop();
    }

    #share() {
      const shared = new SharedWorker(new URL("./tabs-worker.js", import.meta.url), { type: "module", name });
      this.#port = shared.port;
      shared.onerror = () => {
        isBroken = true;
        this.#fallBack();
      };
      this.#timer = setTimeout(() => this.#fallBack(), READY_MS);
      this.#port.onmessage = ({ data }) => this.#hear(data);
      void this.#greet();
      const { signal } = this.#over;
      const shown = () => globalThis.document?.hidden || this.#port?.postMessage({ shown: true });
      globalThis.document?.addEventListener("visibilitychange", shown, { signal });
      globalThis.addEventListener?.("focus", shown, { signal });
      globalThis.addEventListener?.("pagehide", () => this.#hush(), { signal });
      // A page that comes back in the history.
      globalThis.addEventListener?.("pageshow", () => this.#port || this.#end(1006, ""), { signal });
    }

    /** Says what this tab wants, behind a lock by which the worker sees when the tab is gone. */
    async #greet() {
      const lock = await this.#lock(`${name} ${nextId()}`);
      const hello = { address, room, token: hasTokens ? undefined : token, hasTokens, lock, answerTimeoutMs, reconnect: undefined };
      if (reconnect) hello.reconnect = /** @type {any} */ ({ firstMs: reconnect.firstMs, maxMs: reconnect.maxMs });
      this.#port?.postMessage({ hello });
    }

    /** Returns the name of the lock, once it is held; nothing where there are none. @param {string} lock */
    #lock(lock) {
      const { locks } = globalThis.navigator ?? {};
      return new Promise((/** @type {(name?: string) => void} */ tell) => {
        const held = () => {
          tell(lock);
          return this.#port && new Promise((end) => (this.#release = end));
        };
        if (locks) locks.request(lock, held).catch(() => tell());
        else tell();
      });
    }

    /** The worker holds a lock for as long as it lives. @param {string} lock */
    #watch(lock) {
      const { signal } = this.#over;
      globalThis.navigator?.locks?.request(lock, { signal }, () => this.#end(1006, "")).catch(() => {});
    }

    /** @param {any} word The worker's: texts of frames, or something about the connection. */
    #hear(word) {
      if (Array.isArray(word)) {
        this.#asked = undefined;
        for (const text of word) this.#deliver(text);
        return;
      }
      if (word.ready) this.#open(this.#terms[1]);
      if (word.lock) this.#watch(word.lock);
      if (word.own) this.#fallBack();
      if (word.close) this.#end(word.close[0], word.close[1]);
      if (word.sign) this.#tellTaken();
      if (word.asks) void this.#bringToken(word.asks);
      if (word.back) {
        this.#drop();
        if (reconnect !== false) back();
      }
    }

    /** @param {string} text */
    #deliver(text) {
      // It may be closed by what came before.
      if (this.readyState === 1) this.#emit("message", { data: text });
      this.#taken += text.length + FRAME_SIZE;
      if (this.#taken - this.#told >= TAKEN_STEP) this.#tellTaken();
    }

    #tellTaken() {
      this.#port?.postMessage({ taken: (this.#told = this.#taken) });
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

    /** The connection is over; the port stays for the word that it is there again. @param {number} code @param {string} reason */
    #end(code, reason) {
      if (this.readyState === 3) return;
      clearTimeout(this.#timer);
      this.readyState = 3;
      this.#emit("close", { code, reason });
    }

    /** Goes on without the worker. */
    #fallBack() {
      if (this.#real || this.readyState > 1) return;
      try {
        this.#takeOwn();
      } catch (error) {
        this.#end(1006, "");
      }
    }

    #takeOwn() {
      this.#drop();
      const real = (this.#real = new Socket(...this.#terms));
      real.onerror = () => {};
      real.onmessage = (/** @type {any} */ { data }) => this.#emit("message", { data });
      real.onclose = (/** @type {any} */ { code, reason }) => this.#end(code, reason);
      real.onopen = () => {
        if (!this.readyState) return this.#open(real.protocol);
        // The viewer has asked for its room already.
        if (real.protocol !== this.protocol) this.#end(1002, "protocol");
        else if (this.#asked !== undefined) real.send(this.#asked);
      };
    }

    /** Has the worker forget this connection. */
    #drop() {
      clearTimeout(this.#timer);
      this.#over.abort();
      this.#hush();
    }

    #hush() {
      this.#release();
      this.#port?.postMessage({ bye: true });
      this.#port?.close();
      this.#port = undefined;
    }

    /** @param {string} type @param {object} members */
    #emit(type, members) {
      const event = Object.assign(new Event(type), members);
      attempt(/** @type {any} */ (this)[`on${type}`], event);
      this.dispatchEvent(event);
    }
  }
  return Tab;
}
