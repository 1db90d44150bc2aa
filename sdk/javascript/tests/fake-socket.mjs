// A WebSocket whose other end is the test. Must not know the protocol.

export class FakeSocket {
  /** The sockets that were made, in order. */
  static made = [];

  readyState = 0;
  bufferedAmount = 0;
  /** The frames that were sent. */
  sent = [];

  constructor(url) {
    this.url = url;
    FakeSocket.made.push(this);
  }

  static get newest() {
    return FakeSocket.made.at(-1);
  }

  send(text) {
    if (this.readyState !== 1) throw new Error("sent through a socket that is not open");
    this.sent.push(text);
  }

  close(code) {
    this.readyState = 3;
    this.closedWith = code;
  }

  open() {
    this.readyState = 1;
    this.onopen?.({});
  }

  deliver(frame) {
    this.onmessage?.({ data: frame });
  }

  end(code, reason = "") {
    this.readyState = 3;
    this.onerror?.({});
    this.onclose?.({ code, reason });
  }
}
