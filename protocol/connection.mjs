// One connection of a transcript, by the npm package `ws`. Must not know what the server should send.

import { randomBytes } from "node:crypto";
import { WebSocket } from "ws";
import { within } from "./deadline.mjs";

/**
 * The beginnings of texts that the server sends at any time: the number of viewers, and the heartbeat, every 25 s to all clients. The
 * replayer in Rust checks that no heartbeat comes where none should.
 */
const AT_ITS_OWN_TIME = ['{"type":"audience",', '{"type":"alive",'];

/** An open connection. */
export class Connection {
  #socket;
  /** The received items that no step has taken yet. */
  #inbox = [];
  /** Wakes the step that waits for an item. */
  #arrived = () => {};

  constructor(socket) {
    this.#socket = socket;
    const put = (thing) => {
      this.#inbox.push(thing);
      this.#arrived();
    };
    socket.on("message", (bytes, isBinary) => {
      put(isBinary ? { kind: "binary", bytes: bytes.toString("hex") } : { kind: "text", text: bytes.toString() });
    });
    socket.on("pong", (bytes) => put({ kind: "pong", bytes: bytes.toString("hex") }));
    socket.on("close", (code, reason) => put({ kind: "close", code, reason: reason.toString() }));
    socket.on("error", (error) => put({ kind: "error", message: error.message }));
  }

  /** Opens a connection and completes its handshake. Throws if the server chooses another protocol. */
  static async open(address, protocol) {
    const offered = protocol === "v2" ? ["rtbroadcaster.v2"] : [];
    const socket = new WebSocket(address, offered, { perMessageDeflate: false });
    const connection = new Connection(socket);
    const opened = new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    await within(opened, "opening");
    if (socket.protocol !== (offered[0] ?? "")) throw new Error(`the server chose "${socket.protocol}"`);
    return connection;
  }

  /** Returns the next item. Skips a text that the server sends at any time, unless `expected` begins like it. */
  async next(expected = "") {
    for (;;) {
      const came = await this.#anything();
      const start = AT_ITS_OWN_TIME.find((start) => came.kind === "text" && came.text.startsWith(start));
      if (start === undefined || expected.startsWith(start)) return came;
    }
  }

  /** Returns the next item of any kind. */
  async #anything() {
    if (this.#inbox.length === 0) {
      await within(new Promise((resolve) => (this.#arrived = resolve)), "waiting");
    }
    return this.#inbox.shift();
  }

  sendText(text) {
    this.#socket.send(text);
  }

  sendBinary(bytes) {
    this.#socket.send(bytes);
  }

  /** Writes raw bytes to the socket, without framing, for which `ws` has no public way. */
  sendRaw(bytes) {
    this.#socket._socket.write(bytes);
  }

  /** Sends a ping and returns the bytes that its pong must carry. */
  ping() {
    const bytes = randomBytes(8);
    this.#socket.ping(bytes);
    return bytes.toString("hex");
  }

  close() {
    this.#socket.close(1000);
  }

  drop() {
    this.#socket.terminate();
  }
}
