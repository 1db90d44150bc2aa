// The way from a browser to the server, which can be cut and made slow. Must not know what goes over it.

import { connect, createServer } from "node:net";
import { setTimeout as later } from "node:timers/promises";

/** Into how many portions a second a slow way divides what it lets through. */
const PORTIONS = 20;

/** The way from a browser to the server. */
export class Network {
  #port;
  #connections = new Set();
  #bytesPerSecond = 0;
  #server = createServer((near) => {
    const far = connect(this.#port(), "127.0.0.1");
    const both = [near, far];
    this.#connections.add(both);
    for (const one of both) {
      one.on("error", () => {});
      one.on("close", () => {
        this.#connections.delete(both);
        for (const other of both) other.destroy();
      });
    }
    near.pipe(far);
    this.#deliver(far, near).catch(() => near.destroy());
  });

  /** @param port Tells the server's port, which may change. */
  constructor(port) {
    this.#port = port;
  }

  async listen() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", () => resolve(undefined)));
    /** Where a page finds the server over this way. */
    this.origin = `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** What comes from the server, no faster than the way allows: what it does not read, the server keeps. */
  async #deliver(far, near) {
    for await (const bytes of far) {
      for (let at = 0; at < bytes.length; ) {
        const portion = this.#bytesPerSecond > 0 ? Math.ceil(this.#bytesPerSecond / PORTIONS) : bytes.length;
        if (!near.write(bytes.subarray(at, at + portion))) await new Promise((resolve) => near.once("drain", resolve).once("close", resolve));
        at += portion;
        if (this.#bytesPerSecond > 0) await later(1_000 / PORTIONS);
      }
    }
    near.end();
  }

  /** From now on so many bytes in a second go to pages; 0 lifts that. */
  slow(bytesPerSecond) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Every connection is lost. */
  cut() {
    for (const both of this.#connections) for (const one of both) one.resetAndDestroy();
  }

  close() {
    this.cut();
    this.#server.close();
  }
}
