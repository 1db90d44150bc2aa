// A WebSocket that tells what passes over it, for somebody besides its user. Must not know what that means.

/**
 * Returns a class that connects as `Socket` does, and what uses its newest connection.
 * @param {any} Socket
 * @param {{ sent: (text: string) => void, heard: (text: string) => void }} told `sent`: before something is sent. `heard`: a frame came, and
 *   the user of the socket has taken it and goes on.
 * @returns {{ WebSocket: any, send: (text: string) => void, backlog: () => number }}
 */
export function tapped(Socket, { sent, heard }) {
  /** @type {any} */
  let newest;

  class Tap {
    /** @type {any} */ onopen = null;
    /** @type {any} */ onmessage = null;
    /** @type {any} */ onclose = null;
    onerror = null;
    #real;

    /** @param {string} url @param {string} protocol */
    constructor(url, protocol) {
      const real = (newest = this.#real = new Socket(url, protocol));
      real.onopen = (/** @type {any} */ event) => this.onopen?.(event);
      real.onclose = (/** @type {any} */ event) => this.onclose?.(event);
      real.onerror = () => {};
      real.onmessage = (/** @type {any} */ event) => {
        this.onmessage?.(event);
        // Whoever gives a connection up does not listen any more.
        if (this.onmessage) heard(event.data);
      };
    }

    get _socket() {
      return this.#real._socket;
    }

    get readyState() {
      return this.#real.readyState;
    }

    get protocol() {
      return this.#real.protocol;
    }

    get bufferedAmount() {
      return this.#real.bufferedAmount;
    }

    /** @param {string} text */
    send(text) {
      sent(text);
      this.#real.send(text);
    }

    /** @param {number} code */
    close(code) {
      this.#real.close(code);
    }
  }

  return {
    WebSocket: Tap,

    /** Sends something over the newest connection, if it takes it. @param {string} text */
    send(text) {
      if (newest?.readyState !== 1) return;
      sent(text);
      newest.send(text);
    },

    /** How many bytes wait in it. */
    backlog: () => newest?.bufferedAmount ?? 0,
  };
}
