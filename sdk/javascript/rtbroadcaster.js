// The classic client: one connection to one room, as its owner or as a viewer. Must not know what the messages mean.

import { addressOf, roomOfPage } from "./address.js";
import { callSafely, uncaught } from "./safe-call.js";
import { backoff } from "./backoff.js";
import { comesBack, isTemporary } from "./ending.js";
import { BACKLOG_BYTES_MAX, setTimer, STATE_BYTES_MAX } from "./limits.js";
import * as message from "./classic-message.js";
import { CONNECT_TIMEOUT_MS, separate } from "./classic-options.js";
import { Subscriptions } from "./classic-subscriptions.js";

/**
 * @typedef {import("./classic-options.js").Options} Options
 * @typedef {import("./classic-options.js").StatusEvent} StatusEvent
 * @typedef {import("./classic-subscriptions.js").Handler} Handler
 */

/** `readyState` of an open socket; the program's own WebSocket class may not have the constants. */
const OPEN = 1;

/** A client of the classic protocol, for one room. */
export class RTBroadcaster {
  #address;
  #subscriptions = new Subscriptions();
  /** @type {Options} */
  #options;
  /** @type {(Function | undefined)[]} The callbacks of the old library's constructor, in its order. */
  #callbacks;
  #backoff;
  #isOwner;
  #uuid = "";
  /** The room to join, or empty for an owner. */
  #wanted;
  /** @type {Exclude<StatusEvent["status"], "refused">} */
  #status = "connecting";
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} Ends the present attempt, or begins the next one. */
  #timer;
  /** Whether this client was ever in its room. */
  #wasConnected = false;

  /**
   * Connects at once. Throws if `url` is invalid.
   * @overload
   * @param {string | URL} url The server's address, such as `/broadcasting` or `wss://example.org/broadcasting`.
   * @param {Options} [options]
   */
  /**
   * Connects at once. Throws if `url` is invalid.
   * @overload
   * @param {string | URL} url The server's address, such as `/broadcasting` or `wss://example.org/broadcasting`.
   * @param {((uuid: string) => void) | null} [onConnectionCallback] Called once, when the client is in its room.
   * @param {(() => void) | null} [openCallback] Called whenever a socket opens.
   * @param {(() => void) | null} [closeCallback] Called once, when the connection is closed for good.
   * @param {((message: string, error?: unknown) => void) | null} [errorCallback] Called without a WebSocket class, for a refusal, and for a
   *   handler that threw.
   * @param {Options} [options]
   */
  /**
   * @param {string | URL} url
   * @param {unknown[]} rest
   */
  constructor(url, ...rest) {
    const { callbacks, options } = separate(rest);
    this.#callbacks = callbacks;
    this.#options = options;
    this.#address = addressOf(url);
    this.#wanted = options.uuid ?? roomOfPage();
    this.#isOwner = this.#wanted === "";
    const { reconnect } = options;
    this.#backoff = backoff(typeof reconnect === "object" ? reconnect : {});
    this.#connect();
  }

  /** Whether this client is in its room now. */
  get connected() {
    return this.#status === "connected";
  }

  /** Whether this client is the owner of its room, which may publish. */
  get isOwner() {
    return this.#isOwner;
  }

  /** The id of the room; empty until the server has sent it. */
  get uuid() {
    return this.#uuid;
  }

  /** The status: `connecting`, `connected`, `reconnecting` or `closed`. */
  get status() {
    return this.#status;
  }

  /** The number of unsent bytes in the socket. */
  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /**
   * Calls `func` with the parameters of each message of `key`, instead of the earlier function of `key`. Returns a function that
   * unsubscribes. Throws a `TypeError` if `func` is not a function.
   * @param {string} key
   * @param {Handler} func
   * @returns {() => void}
   */
  subscribe(key, func) {
    if (typeof func !== "function") throw new TypeError("a subscription needs a function");
    return this.#subscriptions.set(key, func);
  }

  /** Unsubscribes from `key`. @param {string} key */
  unsubscribe(key) {
    this.#subscriptions.delete(key);
  }

  /** The old library's name of `subscribe`. @param {string} key @param {Handler} func */
  suscribeFunc(key, func) {
    this.subscribe(key, func);
  }

  /** The old library's name of `unsubscribe`. @param {string} key */
  unsuscribeFunc(key) {
    this.unsubscribe(key);
  }

  /**
   * Sends a message to all viewers. Throws a `TypeError` if `key` is not a non-empty string, or `params` not an array.
   * @param {string} key
   * @param {any[]} [params] Default `[]`.
   * @param {boolean} [isState] Whether it is the new value of `key`, which late viewers get too. Default false.
   * @returns {boolean} Whether the socket took it. False for viewers, without a connection, and while the socket has 64 MiB of unsent bytes.
   */
  sendAction(key, params = [], isState = false) {
    if (typeof key !== "string" || key === "") throw new TypeError("an action needs a key");
    if (params !== null && !Array.isArray(params)) throw new TypeError("an action's parameters are an array");
    if (!this.#isOwner || this.#socket?.readyState !== OPEN || this.bufferedAmount >= BACKLOG_BYTES_MAX) {
      this.#log(`not sent: ${key}`);
      return false;
    }
    this.#socket.send(message.action(this.#uuid, key, params ?? [], Boolean(isState)));
    return true;
  }

  /** Leaves the room; an owner ends it. Afterwards only `onStatus` and `closeCallback` are called. */
  close() {
    if (this.#socket?.readyState === OPEN) this.#socket.send(message.last(this.#uuid));
    this.#end("left");
  }

  #connect() {
    const WebSocket = this.#options.WebSocket ?? globalThis.WebSocket;
    if (!WebSocket) {
      // In a microtask: a callback may need the client, which the constructor has not returned yet.
      queueMicrotask(() => {
        this.#fail("there is no WebSocket here");
        this.#end("no WebSocket");
      });
      return;
    }
    const socket = new WebSocket(this.#address);
    this.#socket = socket;
    const timeout = this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    this.#timer = setTimer(() => this.#lost(1006, "no answer in time"), timeout);
    socket.onopen = () => {
      socket.send(message.first(this.#wanted));
      callSafely(this.#callbacks[1]);
    };
    socket.onmessage = ({ data }) => {
      if (data.length > STATE_BYTES_MAX) return this.#end("message too big", 1009);
      for (const one of message.read(data, (why) => this.#log(why))) {
        // The message before may have ended this connection.
        if (this.#socket !== socket) return;
        this.#receive(one);
      }
    };
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
    // A close event always follows, with more details.
    socket.onerror = () => {};
  }

  /** @param {import("./classic-message.js").Message} one */
  #receive(one) {
    if (one.value === message.Status.notConnected) return this.#refused(one);
    if (one.value !== message.Status.connected || one.uuid === "") return;
    const socket = this.#socket;
    if (!this.connected) this.#entered(one.uuid);
    if (one.key === "" || this.#socket !== socket) return;
    const isKnown = this.#subscriptions.call(one.key, one.params, (error) => this.#report(one.key, error));
    if (!isKnown) this.#log(`no subscription to ${one.key}`);
  }

  /** @param {string} uuid */
  #entered(uuid) {
    clearTimeout(this.#timer);
    this.#uuid = uuid;
    this.#backoff.connected(performance.now());
    const isFirst = !this.#wasConnected;
    this.#wasConnected = true;
    this.#setStatus({ status: "connected", reason: "" });
    if (isFirst) callSafely(this.#callbacks[0], uuid);
  }

  /** @param {import("./classic-message.js").Message} one */
  #refused({ text }) {
    const reason = text || "not connected";
    if (this.connected && reason === "not connected") return this.#end("room ended");
    this.#setStatus({ status: "refused", reason });
    this.#fail(reason);
    if (this.connected || this.#status === "closed") return;
    if (isTemporary(reason) && this.#reconnects()) this.#retry(reason);
    else this.#end(reason);
  }

  /**
   * Handles a lost connection.
   * @param {number} code
   * @param {string} word
   */
  #lost(code, word) {
    const reason = word || (code === 1000 ? "room ended" : "connection lost");
    if (comesBack(code) && this.#reconnects()) this.#retry(reason, code);
    else this.#end(reason, code);
  }

  /** Returns whether to reconnect. Only viewers do: the classic protocol has no key that would prove the owner. */
  #reconnects() {
    return !this.#isOwner && this.#options.reconnect !== false;
  }

  /**
   * @param {string} reason
   * @param {number} [code]
   */
  #retry(reason, code) {
    this.#detach();
    const retryInMs = this.#backoff.next(performance.now());
    this.#timer = setTimer(() => {
      this.#connect();
      this.#setStatus({ status: "connecting", reason: "" });
    }, retryInMs);
    this.#setStatus({ status: "reconnecting", reason, code, retryInMs });
  }

  /**
   * @param {string} reason
   * @param {number} [code]
   */
  #end(reason, code) {
    if (this.#status === "closed") return;
    this.#detach();
    this.#setStatus({ status: "closed", reason, code });
    callSafely(this.#callbacks[2]);
  }

  /** Closes the socket and clears the timer. Neither calls back any more. */
  #detach() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = undefined;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // Some sockets report an error when they are closed before the handshake is done; it must have a handler.
    socket.onerror = () => {};
    socket.close(1000);
  }

  /** @param {StatusEvent} event */
  #setStatus(event) {
    if (event.status !== "refused") this.#status = event.status;
    this.#log(`${event.status} ${event.reason}`.trim());
    callSafely(this.#options.onStatus, event);
  }

  /**
   * @param {string} text
   * @param {unknown} [error]
   */
  #fail(text, error) {
    callSafely(this.#callbacks[3], text, error);
    callSafely(this.#options.onError, text, error);
  }

  /**
   * Reports a handler's error to the error callbacks, or as an uncaught error if there are none.
   * @param {string} key
   * @param {unknown} error
   */
  #report(key, error) {
    if (this.#callbacks[3] || this.#options.onError) this.#fail(`the function of ${key} threw`, error);
    else uncaught(error);
  }

  /** @param {string} line */
  #log(line) {
    const { debug } = this.#options;
    if (typeof debug === "function") debug(line);
    else if (debug) console.debug(`rtbroadcaster: ${line}`);
  }
}
