// A way to the server that goes dark: connections that are there stay open and carry nothing any more, new ones work at once. Must not
// know what is carried.

import { once } from "node:events";
import { connect, createServer } from "node:net";

export class DarkWay {
  #pairs = new Set();
  /** How many connections were made. */
  count = 0;

  /** Begins a way to a server on this machine. */
  static async to(port) {
    const way = new DarkWay();
    way.server = createServer((near) => way.#carry(near, connect(port, "127.0.0.1")));
    way.server.listen(0, "127.0.0.1");
    await once(way.server, "listening");
    way.origin = `http://127.0.0.1:${way.server.address().port}`;
    return way;
  }

  #carry(near, far) {
    const pair = [near, far];
    this.#pairs.add(pair);
    near.once("data", (bytes) => {
      if (/^upgrade: websocket/im.test(String(bytes))) this.count += 1;
    });
    for (const socket of pair) {
      socket.on("error", () => {});
      socket.on("close", () => this.#pairs.delete(pair));
    }
    near.pipe(far);
    far.pipe(near);
  }

  /** Nothing more is carried on the connections of now. */
  darken() {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far);
      far.unpipe(near);
      for (const socket of [near, far]) socket.pause();
    }
  }

  end() {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    this.server.close();
  }
}
