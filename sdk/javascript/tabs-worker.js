// The shared worker that has the one connection of several tabs. Must not know what passes.

import { relay } from "./relay.js";
import { watch } from "./viewer.js";

/** What the viewer takes for its page. */
const page = Object.assign(new EventTarget(), { hidden: false });

/** @type {any} */
const scope = globalThis;
scope.document = page;

const { connect } = relay({
  watch,
  page,
  WebSocket: scope.WebSocket,
  locks: scope.navigator.locks,
  listen: (show, tell) => show.status.subscribe(tell),
});

scope.onconnect = (/** @type {MessageEvent} */ { ports: [port] }) => connect(port);
