export type Status = import("./course.js").Status;
export type Failure = import("./failure.js").Failure;
export type Audience = import("./host.js").Audience;
export type HostOptions = import("./host.js").HostOptions;
export type OwnerReset = import("./host.js").OwnerReset;
export type Signal = import("./host.js").Signal;
export type PublishOptions = import("./outgoing.js").PublishOptions;
export type Message = import("./store.js").Message;
export type ViewerOptions = import("./viewer.js").ViewerOptions;
export type Host<M> = import("./host.js").Host<M>;
export type Viewer<M> = import("./viewer.js").Viewer<M>;
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
