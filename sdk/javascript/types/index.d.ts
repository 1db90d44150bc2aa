export type ListenOptions = import("./listeners.js").ListenOptions;
export type ErrorCode = import("./failure.js").ErrorCode;
export type Audience = import("./owner.js").Audience;
export type HostOptions = import("./owner.js").HostOptions;
export type OwnerReset = import("./owner.js").OwnerReset;
export type Refused = import("./owner.js").Refused;
export type Signal = import("./owner.js").Signal;
export type AnyMessages = import("./messages.js").AnyMessages;
export type PublishOptions = import("./outgoing.js").PublishOptions;
export type Status = import("./status.js").Status;
export type Cursor = import("./store.js").Cursor;
export type Message = import("./store.js").Message;
export type KeyOptions = import("./viewer.js").KeyOptions;
export type Options = import("./viewer.js").Options;
export type Stats = import("./viewer.js").Stats;
export type ViewerOptions = import("./viewer.js").ViewerOptions;
export type Host<M = AnyMessages> = import("./owner.js").Host<M>;
export type HostEvents<M = AnyMessages> = import("./owner.js").HostEvents<M>;
export type Viewer<M = AnyMessages> = import("./viewer.js").Viewer<M>;
export type ViewerEvents<M = AnyMessages> = import("./viewer.js").ViewerEvents<M>;
export type MessageOf<M = AnyMessages> = import("./messages.js").MessageOf<M>;
export type State<S> = import("./store.js").State<S>;
export type Value<T, N = T> = import("./listeners.js").Value<T, N>;
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
