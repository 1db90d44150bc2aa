// A WebSocket that reports its frames to an observer. Must not know what frames mean.

/**
 * Returns a class that connects like `Socket`, and functions for its newest connection.
 * @param {any} Socket
 * @param {{ sent: (text: string) => void, received: (text: string) => void }} observer `sent`: called before a frame is sent. `received`: called
 *   after the user of the socket has taken a frame, and not closed the socket.
 * @returns {{ WebSocket: any, send: (text: string) => void, backlog: () => number }}
 */
export function tapped(Socket, { sent, received }) {
  /** @type {any} */
  let newest;

  class Tap {
    /** @type {any} */ onopen = null;
    /** @type {any} */ onmessage = null;
    /** @type {any} */ onclose = null;
    onerror = null;
    #socket;

    /** @param {string} url @param {string} protocol */
    constructor(url, protocol) {
      const real = (newest = this.#socket = new Socket(url, protocol));
      real.onopen = (/** @type {any} */ event) => this.onopen?.(event);
      real.onclose = (/** @type {any} */ event) => this.onclose?.(event);
      real.onerror = () => {};
      real.onmessage = (/** @type {any} */ event) => {
        this.onmessage?.(event);
        // A user that gives the connection up removes its listener.
        if (this.onmessage) received(event.data);
      };
    }

    get _socket() {
      return this.#socket._socket;
    }

    get readyState() {
      return this.#socket.readyState;
    }

    get protocol() {
      return this.#socket.protocol;
    }

    get bufferedAmount() {
      return this.#socket.bufferedAmount;
    }

    /** @param {string} text */
    send(text) {
      sent(text);
      this.#socket.send(text);
    }

    /** @param {number} code */
    close(code) {
      this.#socket.close(code);
    }
  }

  return {
    WebSocket: Tap,

    /** Sends a text over the newest connection, if it is open. @param {string} text */
    send(text) {
      if (newest?.readyState !== 1) return;
      sent(text);
      newest.send(text);
    },

    /** Returns the number of unsent bytes in it. */
    backlog: () => newest?.bufferedAmount ?? 0,
  };
}
