// The entry for owners and viewers: `host` and `own` own a room, `join` and `watch` watch one. Must not know the classic protocol.

/**
 * @typedef {import("./listeners.js").ListenOptions} ListenOptions
 * @typedef {import("./failure.js").ErrorCode} ErrorCode
 * @typedef {import("./owner.js").Audience} Audience
 * @typedef {import("./owner.js").HostOptions} HostOptions
 * @typedef {import("./owner.js").OwnerReset} OwnerReset
 * @typedef {import("./owner.js").Refused} Refused
 * @typedef {import("./owner.js").Signal} Signal
 * @typedef {import("./messages.js").AnyMessages} AnyMessages
 * @typedef {import("./outgoing.js").PublishOptions} PublishOptions
 * @typedef {import("./status.js").Status} Status
 * @typedef {import("./store.js").Cursor} Cursor
 * @typedef {import("./store.js").Message} Message
 * @typedef {import("./viewer.js").KeyOptions} KeyOptions
 * @typedef {import("./viewer.js").Options} Options
 * @typedef {import("./viewer.js").Stats} Stats
 * @typedef {import("./viewer.js").ViewerOptions} ViewerOptions
 */

/** @template [M=AnyMessages] @typedef {import("./owner.js").Host<M>} Host */

/** @template [M=AnyMessages] @typedef {import("./owner.js").HostEvents<M>} HostEvents */

/** @template [M=AnyMessages] @typedef {import("./viewer.js").Viewer<M>} Viewer */

/** @template [M=AnyMessages] @typedef {import("./viewer.js").ViewerEvents<M>} ViewerEvents */

/** @template [M=AnyMessages] @typedef {import("./messages.js").MessageOf<M>} MessageOf */

/** @template S @typedef {import("./store.js").State<S>} State */

/** @template T @template [N=T] @typedef {import("./listeners.js").Value<T, N>} Value */

export { RtbError } from "./failure.js";
export { host, own } from "./host.js";
export { join, watch } from "./viewer.js";
