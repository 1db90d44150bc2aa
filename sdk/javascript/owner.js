// The public types of owners. Types only.

/// <reference lib="esnext.disposable" preserve="true" />

/**
 * @typedef {import("./status.js").Status} Status
 * @typedef {import("./listeners.js").ListenOptions} ListenOptions
 * @typedef {import("./outgoing.js").PublishOptions} PublishOptions
 * @typedef {import("./store.js").Cursor} Cursor
 * @typedef {import("./messages.js").AnyMessages} AnyMessages
 */

/**
 * A signal of a viewer, or the totals of a counted key.
 * @typedef {object} Signal
 * @property {string} key
 * @property {any[]} [params] The signal's parameters; absent from totals.
 * @property {number} [from] The number of the viewer. It stays the same over the viewer's connections, and over reloads if the
 *   viewer has an `identity`.
 * @property {number} [dropped] How many signals were dropped before this one.
 * @property {[params: any[], count: number][]} [counts] The totals, the most frequent first.
 * @property {number} [other] The total of the parameters that are not in `counts`.
 */

/**
 * The room's audience: how many viewers there are, how many of them lag, and the 95th percentile of their delay in milliseconds.
 * @typedef {{ viewers: number, lagging: number, behindP95Ms: number }} Audience
 */

/**
 * The server lost some or all acknowledged messages. `reason`: why the server did not accept the owner's cursor, `epoch`, `future` or
 * `malformed`.
 * @typedef {{ reason: string }} OwnerReset
 */

/**
 * A message that was refused, by the server or since too many messages wait.
 * @typedef {{ key: string, params?: any, error: import("./failure.js").RtbError }} Refused
 */

/**
 * The events of an owner besides the signals of single keys.
 * @template [M=AnyMessages]
 * @typedef {object} HostEvents
 * @property {(signal: import("./messages.js").SignalOf<M>) => void} signal A signal of any key.
 * @property {(reset: OwnerReset) => void} reset The server lost acknowledged messages; `state` holds the server's state. If there is no
 *   listener, as before `host` has resolved after a reload, the first listener gets the newest reset.
 * @property {(refused: Refused) => void} refused A message was not published, whether or not the program awaits its promise.
 */

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} StorageLike */

/**
 * The options of owners only.
 * @typedef {object} Beginning
 * @property {string} [room] An existing room to own again or to take over, with its `ownerKey`. Default: a new room, or that of `storage`.
 * @property {string} [ownerKey] The owner's key of `room`.
 * @property {Readonly<Cursor>} [cursor] The `cursor` of an earlier owner of `room`, if the program stored it. The server then reports if it
 *   lost messages up to there. With an older cursor it can detect fewer lost messages, and reports no false loss.
 * @property {StorageLike | (() => StorageLike)} [storage] Stores the room, its key and cursor, such as `sessionStorage`: a page that loads them again is
 *   the owner again. May be a function that returns the storage, for pages in which storages may be forbidden. Default: memory only.
 * @property {string} [storageKey] The name of the item in `storage`. Default `rtbroadcaster ` and the server's address.
 * @property {boolean} [takeOver] Whether to own the stored room even if another window of this browser owns it, which becomes
 *   `elsewhere`. Default false: this window becomes `elsewhere`, and owns the room once the other window is closed.
 * @property {number} [graceMs] The grace of a new room: how long it waits for its owner to reconnect, in whole milliseconds, 1 or more. The
 *   server lowers it to its maximum and raises it to its least safe grace. Default the server's.
 * @property {boolean} [audience] Whether the server sends viewers the number of viewers. Default false.
 * @property {Record<string, { count?: boolean, everyMs?: number, oncePerViewer?: boolean }>} [signals] How the server counts signals, by
 *   key. Default: it counts none.
 */

/** @typedef {import("./dial.js").Options & Beginning} HostOptions */

/**
 * @template M
 * @typedef {object} HostMembers
 * @property {string} id The id of the room; empty until it is known.
 * @property {string} ownerKey The owner's key. Anyone who has it can own the room: keep it out of addresses and logs.
 * @property {number} term The number of the lease. It grows with each takeover and each reconnect of the owner.
 * @property {number | undefined} graceMs How long the room waits for its owner to reconnect, in milliseconds; `undefined` if the server does
 *   not send it.
 * @property {Readonly<Cursor> | undefined} cursor The newest acknowledgement, for a program that stores the room and its key itself. A copy,
 *   which does not change.
 * @property {import("./listeners.js").Value<Status>} status The status of the owner.
 * @property {import("./listeners.js").Value<Audience | undefined, Audience>} audience The audience; `undefined` until the server sends it.
 * @property {import("./store.js").State<import("./messages.js").StateOf<M>>} state The acknowledged state of the room.
 * @property {<K extends keyof import("./messages.js").SignalsOf<M> & string>(key: K,
 *   func: (signal: Extract<import("./messages.js").SignalOf<M>, { key: K }>) => void, options?: ListenOptions) => () => void} on Calls `func` for
 *   each signal of a key. Returns a function that unsubscribes.
 * @property {<N extends keyof HostEvents>(name: N, func: HostEvents<M>[N], options?: ListenOptions) => () => void} listen Calls `func` for an
 *   event of the room. Returns a function that unsubscribes.
 * @property {Publish<M>} publish Publishes a message. Resolves to its sequence number when the server has acknowledged it; to `undefined`
 *   for an ephemeral message. Rejects with an `RtbError`.
 * @property {(key: keyof import("./messages.js").StateOf<M> & string, options?: Pick<PublishOptions, "timeoutMs" | "signal">) => Promise<number | undefined>} clear
 *   Removes the value of a key. Resolves and rejects like `publish`.
 * @property {(options?: { timeoutMs?: number }) => Promise<void>} close Ends the room once the server has acknowledged every message.
 *   Resolves when the room has ended; rejects with `timeout` after `timeoutMs`, by default that of `publish`.
 * @property {Promise<void>} entered Resolves when the owner has its room for the first time; rejects with an `RtbError` if it never will.
 * @property {number} bufferedAmount The number of unsent bytes, in the socket and queued.
 * @property {() => import("./status.js").Stats} stats Returns the statistics of the connection.
 * @property {() => void} reconnect Reconnects now instead of at the scheduled time; takes the room back from another window. In the room it
 *   checks the connection.
 * @property {() => void} leave Disconnects without ending the room, which waits for its owner for its grace.
 */

/**
 * @template M
 * @typedef {(<K extends keyof import("./messages.js").StateOf<M> & string>(key: K, params: import("./messages.js").StateOf<M>[K],
 *   options: PublishOptions & { state: true }) => Promise<number | undefined>) &
 *   (<K extends keyof import("./messages.js").EventsOf<M> & string>(key: K, params: import("./messages.js").EventsOf<M>[K],
 *   options?: PublishOptions & { state?: false }) => Promise<number | undefined>) &
 *   (<K extends keyof import("./messages.js").StateOf<M> & keyof import("./messages.js").EventsOf<M> & string>(key: K,
 *   params: import("./messages.js").ParamsOf<M, K>, options?: PublishOptions) => Promise<number | undefined>)} Publish Publishes a value of the state, or an event.
 */

/**
 * @template [M=AnyMessages]
 * @typedef {HostMembers<M> & Disposable & AsyncDisposable} Host
 */

export {};
