// A scripted server whose connections are those of the package `ws`, which report bytes.

import { EventEmitter } from "node:events";
import { FakeSocket } from "./fake-socket.mjs";
import { Peer, Server } from "./script.mjs";

/** A server whose connections are those of the package `ws`: `_socket` reports bytes. */
export class NodeServer extends Server {
  constructor() {
    super();
    const { peers } = this;
    this.WebSocket = class extends FakeSocket {
      _socket = Object.assign(new EventEmitter(), { bytesRead: 0 });
      constructor(url, protocol) {
        super(url);
        this.protocol = protocol;
        peers.push(new Peer(this));
      }
      /** Delivers bytes, which need be no frame. */
      comes(bytes) {
        this._socket.bytesRead += bytes.length;
        this._socket.emit("data", bytes);
      }
      deliver(frame) {
        this.comes(frame);
        super.deliver(frame);
      }
    };
  }
}
