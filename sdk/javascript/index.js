// Both ends, for pages that may be either: `host` owns a room, `join` and `watch` follow one. Must not know the classic protocol.

/**
 * @typedef {import("./course.js").Status} Status
 * @typedef {import("./failure.js").Failure} Failure
 * @typedef {import("./host.js").Audience} Audience
 * @typedef {import("./host.js").HostOptions} HostOptions
 * @typedef {import("./host.js").OwnerReset} OwnerReset
 * @typedef {import("./host.js").Signal} Signal
 * @typedef {import("./outgoing.js").PublishOptions} PublishOptions
 * @typedef {import("./store.js").Message} Message
 * @typedef {import("./viewer.js").ViewerOptions} ViewerOptions
 */

/**
 * @template M
 * @typedef {import("./host.js").Host<M>} Host
 */

/**
 * @template M
 * @typedef {import("./viewer.js").Viewer<M>} Viewer
 */

export { host, own } from "./host.js";
export { join, watch } from "./viewer.js";
