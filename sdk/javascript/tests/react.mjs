// A page in which React renders, for the tests of the React entry. Must not know the tests.

import assert from "node:assert/strict";
import { GlobalWindow } from "happy-dom";
import { Server } from "./script.mjs";

// The globals that react-dom needs when it is loaded; the rest of the page is the test's own.
const window = new GlobalWindow();
const globals = { window, document: window.document, navigator: window.navigator, IS_REACT_ACT_ENVIRONMENT: true };
for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true });

export const React = await import("react");
export const { createRoot, hydrateRoot } = await import("react-dom/client");
export const sdk = await import("../react.js");
// Loaded now: an owner's first component need not wait for it.
const { act, createElement, StrictMode } = React;

export const ADDRESS = "ws://example.org/b";

/** A server, and a part of the page in which components are rendered in StrictMode. */
export class Stage {
  server = new Server();
  container = document.createElement("div");
  options = { WebSocket: this.server.WebSocket };

  constructor(t) {
    t?.after(() => this.unmount());
  }

  /** Renders a component, in place of what was there. @param {any} type @param {any} [props] */
  async render(type, props) {
    this.root ??= createRoot(this.container, { onUncaughtError() {}, onCaughtError() {} });
    await act(async () => this.root.render(this.element(type, props)));
  }

  /** @param {any} type @param {any} [props] */
  element(type, props) {
    return createElement(StrictMode, null, createElement(type, props));
  }

  async unmount() {
    await act(async () => this.root?.unmount());
    this.root = undefined;
    await this.turn();
  }

  /** Runs due timers, effects and modules that load. */
  turn() {
    return act(async () => new Promise((resolve) => setTimeout(resolve)));
  }

  /** Waits until a condition is true. */
  async until(is) {
    for (let turns = 0; turns < 100 && !is(); turns++) await this.turn();
  }

  get text() {
    return this.container.textContent;
  }

  /** Waits until the page shows something. */
  async shows(text) {
    await this.until(() => this.text === text);
    assert.equal(this.text, text);
  }

  /** Returns the next connection, the `count`-th of all, and checks that no other one follows. */
  async accepts(count) {
    await this.until(() => this.server.peers.length >= count);
    await this.turn();
    return this.server.accept(count);
  }

  /** The same, in the room with this state. */
  async enters(count, ...state) {
    const peer = await this.accepts(count);
    await act(async () => {
      peer.joins({ seq: state.at(-1)?.seq ?? 0, replay: state.length });
      peer.says(...state);
    });
    return peer;
  }

  /** Has the server send something, and lets the page handle it. */
  says(peer, ...frames) {
    return act(async () => peer.says(...frames));
  }

  /** Returns the number of open connections. */
  get open() {
    return this.server.peers.filter(({ socket }) => socket.readyState < 2).length;
  }
}

/** Shows the error of its children, until the user retries. */
export class Boundary extends React.Component {
  state = { error: undefined };

  static getDerivedStateFromError(error) {
    return { error };
  }

  render() {
    const { error } = this.state;
    const { caught, children } = /** @type {any} */ (this.props);
    if (!error) return children;
    caught(error, () => this.setState({ error: undefined }));
    return `failed ${error.code}`;
  }
}
