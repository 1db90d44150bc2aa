// Both ends, for pages that may be either: `host` owns a room, `join` and `watch` follow one. Must not know the classic protocol.

export { host } from "./host.js";
export { join, watch } from "./viewer.js";
