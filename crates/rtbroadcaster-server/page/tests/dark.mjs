// A way to the server that goes dark: connections that are there stay open and carry nothing any more, new ones work at once, unless
// they are refused. Must not know what is carried.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { Transform } from "node:stream";

export class DarkWay {
  #pairs = new Set();
  /** How many WebSocket connections were made. */
  count = 0;
  /** Returns the request of a WebSocket connection as it is carried, or nothing: then it is refused. @type {(request: Buffer) => Buffer | undefined} */
  upgrade = (request) => request;

  /** How long what comes from the server takes on new WebSocket connections, in milliseconds. */
  delayMs = 0;

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
    for (const socket of pair) {
      socket.on("error", () => {});
      socket.on("close", () => this.#pairs.delete(pair));
    }
    near.once("data", (bytes) => {
      const isUpgrade = /^upgrade: websocket/im.test(String(bytes));
      const request = isUpgrade ? this.upgrade(bytes) : bytes;
      if (!request) return pair.forEach((socket) => socket.destroy());
      if (isUpgrade) this.count += 1;
      if (isUpgrade && this.delayMs) {
        far.unpipe(near);
        far.pipe(slow(this.delayMs)).pipe(near);
      }
      far.write(request);
      near.pipe(far);
    });
    far.pipe(near);
  }

  /** Nothing more is carried on the connections of now, or only one way. @param {"both" | "there" | "back"} [direction] */
  darken(direction = "both") {
    for (const [near, far] of this.#pairs) {
      for (const [from, name] of [[near, "there"], [far, "back"]]) {
        if (![name, "both"].includes(direction)) continue;
        from.unpipe();
        from.pause();
      }
    }
  }

  /** Ends the connections of now. */
  cut() {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  end() {
    this.cut();
    this.server.close();
  }
}

/** Passes bytes on, each piece after a time. */
function slow(ms) {
  const way = new Transform({
    transform(bytes, _, pass) {
      setTimeout(() => way.push(bytes), ms);
      pass();
    },
    flush: (pass) => void setTimeout(pass, ms),
  });
  return way;
}
