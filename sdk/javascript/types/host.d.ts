export type Audience = import("./owner.js").Audience;
export type HostOptions = import("./owner.js").HostOptions;
export type OwnerReset = import("./owner.js").OwnerReset;
export type AnyMessages = import("./messages.js").AnyMessages;
export type ListenOptions = import("./listeners.js").ListenOptions;
export type PublishOptions = import("./outgoing.js").PublishOptions;
export type Host<M> = import("./owner.js").Host<M>;
/**
 * @typedef {import("./owner.js").Audience} Audience
 * @typedef {import("./owner.js").HostOptions} HostOptions
 * @typedef {import("./owner.js").OwnerReset} OwnerReset
 * @typedef {import("./messages.js").AnyMessages} AnyMessages
 * @typedef {import("./listeners.js").ListenOptions} ListenOptions
 * @typedef {import("./outgoing.js").PublishOptions} PublishOptions
 */
/** @template M @typedef {import("./owner.js").Host<M>} Host */
/**
 * Creates a room, or owns the existing one that `room` or `storage` name, and resolves to its owner. The owner reconnects by itself.
 *
 * Rejects with an `RtbError`: a code of the server, `bad_argument` for a wrong argument, `aborted` or `timeout` if `options.signal` aborts,
 * `in_use` if another window of this browser owns the room.
 * @template [M=AnyMessages]
 * @param {string | URL} url The server's address, such as `/broadcasting` or `wss://example.org/broadcasting`.
 * @param {HostOptions} [options]
 * @returns {Promise<Host<M>>}
 */
export declare function host<M = AnyMessages>(url: string | URL, options?: HostOptions): Promise<Host<M>>;
/**
 * Returns the owner of a room at once, while it is still `connecting`; else like `host`. Until it is in the room, its `id` and `ownerKey`
 * may be empty, events fail with `offline`, and values wait.
 *
 * Never throws: with a wrong argument its status becomes `closed` with the reason `bad_argument`.
 * @template [M=AnyMessages]
 * @param {string | URL} url The server's address, such as `/broadcasting` or `wss://example.org/broadcasting`.
 * @param {HostOptions} [options]
 * @returns {Host<M>}
 */
export declare function own<M = AnyMessages>(url: string | URL, options?: HostOptions): Host<M>;
