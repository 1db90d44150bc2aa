// The shared worker of tabs that share a connection. Must not know frames.

import { relay } from "./relay.js";
import { watch } from "./viewer.js";

/** The viewer's page, since a worker has none. */
const page = Object.assign(new EventTarget(), { hidden: false });

/** @type {any} */
const scope = globalThis;
scope.document = page;

const { connect } = relay({
  watch,
  page,
  WebSocket: scope.WebSocket,
  locks: scope.navigator.locks,
  listen: (show, func) => show.status.subscribe(func),
});

scope.onconnect = (/** @type {MessageEvent} */ { ports: [port] }) => connect(port);
