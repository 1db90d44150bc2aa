export type Audience = import("./owner.js").Audience;
export type HostOptions = import("./owner.js").HostOptions;
export type OwnerReset = import("./owner.js").OwnerReset;
export type AnyMessages = import("./messages.js").AnyMessages;
export type ListenOptions = import("./ears.js").ListenOptions;
export type PublishOptions = import("./outgoing.js").PublishOptions;
export type Host<M> = import("./owner.js").Host<M>;
/**
 * @typedef {import("./owner.js").Audience} Audience
 * @typedef {import("./owner.js").HostOptions} HostOptions
 * @typedef {import("./owner.js").OwnerReset} OwnerReset
 * @typedef {import("./messages.js").AnyMessages} AnyMessages
 * @typedef {import("./ears.js").ListenOptions} ListenOptions
 * @typedef {import("./outgoing.js").PublishOptions} PublishOptions
 */
/** @template M @typedef {import("./owner.js").Host<M>} Host */
/**
 * Owns a room, a new one unless `room` or `storage` name one, and comes back to it by itself.
 * @template [M=AnyMessages]
 * @param {string | URL} url Where the server is, such as `/broadcasting` or `wss://example.org/broadcasting`.
 * @param {HostOptions} [options]
 * @returns {Promise<Host<M>>} Rejects with an `RtbError`.
 */
export declare function host<M = AnyMessages>(url: string | URL, options?: HostOptions): Promise<Host<M>>;
/**
 * Begins to own a room: as `host`, but the room is there at once, with a status that tells how it goes. Until it is in, its `id`
 * and `ownerKey` may be empty, events fail with `offline`, and values wait.
 * @template [M=AnyMessages]
 * @param {string | URL} url
 * @param {HostOptions} [options]
 * @returns {Host<M>} Never throws: with a wrong argument it is over.
 */
export declare function own<M = AnyMessages>(url: string | URL, options?: HostOptions): Host<M>;
