// The types of an application's messages. Types only.

/**
 * Any messages: the default for rooms whose messages have no type.
 *
 * An application's type has up to three members, each a map from keys to the tuple of parameters, which may be `readonly`:
 *
 * - `state`: values, which the server keeps for late viewers
 * - `events`: messages for the present viewers
 * - `signals`: messages of viewers to the owner
 *
 * @typedef {{ state: Keys, events: Keys, signals: Keys }} AnyMessages
 */

/** @typedef {Record<string, any[]>} Keys Any parameters under any key. */

/** @template M @typedef {0 extends 1 & M ? Keys : M extends { state: infer S } ? S : {}} StateOf The parameters of each key of the state. */

/** @template M @typedef {0 extends 1 & M ? Keys : M extends { events: infer E } ? E : {}} EventsOf The parameters of each event. */

/** @template M @typedef {0 extends 1 & M ? Keys : M extends { signals: infer S } ? S : {}} SignalsOf The parameters of each signal. */

/** @template M @typedef {(keyof StateOf<M> | keyof EventsOf<M>) & string} KeyOf The keys of all messages. */

/**
 * @template T
 * @template {PropertyKey} K
 * @typedef {K extends keyof T ? Extract<T[K], readonly any[]> : never} Of The parameters that `T` has under `K`.
 */

/**
 * @template M
 * @template {string} K
 * @typedef {Of<StateOf<M>, K> | Of<EventsOf<M>, K>} ParamsOf The parameters of a message.
 */

/**
 * A message of a room whose messages have a type.
 * @template M
 * @typedef {{ [K in KeyOf<M>]: Omit<import("./store.js").Message, "key" | "params"> & { key: K, params: ParamsOf<M, K> | [] } }[KeyOf<M>]} MessageOf
 */

/**
 * A signal of a room whose signals have a type.
 * @template M
 * @typedef {{ [K in keyof SignalsOf<M> & string]: Omit<import("./owner.js").Signal, "key" | "params"> & { key: K, params?: SignalsOf<M>[K] } }[keyof SignalsOf<M> & string]} SignalOf
 */

export {};
