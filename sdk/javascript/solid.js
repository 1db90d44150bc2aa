// Primitives for Solid 1: a room, its status and the values of its keys as accessors. Must not know sockets.

import { createMemo, createSignal, onCleanup, onMount, untrack } from "solid-js";
import { own } from "./host.js";
import { watch } from "./viewer.js";

/**
 * @typedef {import("./viewer.js").AnyMessages} AnyMessages
 * @typedef {import("./viewer.js").Status} Status
 * @typedef {import("./viewer.js").ViewerOptions} ViewerOptions
 * @typedef {import("./owner.js").HostOptions} HostOptions
 */

/** @template M @typedef {import("./viewer.js").Viewer<M>} Viewer */

/** @template M @typedef {import("./owner.js").Host<M>} Host */

/** @template T @typedef {import("solid-js").Accessor<T>} Accessor */

/** @template T @typedef {T | Accessor<T>} MaybeAccessor */

/** @type {Status} */
const CONNECTING = Object.freeze({ name: "connecting" });

/** Returns the present content of a value or accessor. @param {any} value */
const read = (value) => (typeof value === "function" ? value() : value);

/**
 * Returns the present content of the value that `value` returns, or `otherwise`.
 * @template T
 * @param {() => import("./listeners.js").Value<T> | undefined} value
 * @param {T} otherwise
 * @returns {Accessor<T>}
 */
function accessorOf(value, otherwise) {
  const newest = createMemo(() => {
    const now = value();
    if (!now) return;
    const [get, set] = createSignal(now.value);
    onCleanup(now.subscribe((next) => set(() => next)));
    return get;
  });
  return () => newest()?.() ?? otherwise;
}

/**
 * Returns the viewer or owner that `begin` returns for an address and an id, while there is an id and Solid's owner is not disposed.
 * @param {MaybeAccessor<string | URL>} url
 * @param {MaybeAccessor<string | null | undefined>} id
 * @param {(url: string, id: any) => any} begin
 */
function clientOf(url, id, begin) {
  // `onMount` does not run on a server.
  const [isThere, setThere] = createSignal(false);
  onMount(() => setThere(true));
  const address = createMemo(() => String(read(url)));
  const wanted = createMemo(() => isThere() && read(id));
  // A memo, not an effect: a reader with another id never gets the earlier room.
  const room = createMemo(() => {
    if (!wanted()) return;
    const [at, id] = [address(), wanted()];
    const end = untrack(() => begin(at, id));
    onCleanup(() => end.leave());
    return end;
  });
  return { room, status: accessorOf(() => room()?.status, CONNECTING), audience: accessorOf(() => room()?.audience, undefined) };
}

/**
 * Watches a room until Solid's owner is disposed. `room` is set when the component is mounted; without `id` it waits. Another `url` or `id`
 * begins another room.
 * @template [M=AnyMessages]
 * @param {MaybeAccessor<string | URL>} url
 * @param {MaybeAccessor<string | null | undefined>} id
 * @param {MaybeAccessor<ViewerOptions | undefined>} [options] Read when the room is entered; later changes have no effect.
 * @returns {{ room: Accessor<Viewer<M> | undefined>, status: Accessor<Status>, audience: Accessor<{ viewers: number } | undefined> }}
 */
export function createRoom(url, id, options) {
  return clientOf(url, id, (url, id) => watch(url, id, read(options)));
}

/**
 * Owns a room until Solid's owner is disposed. `id` is set when the room is created or found.
 * @template [M=AnyMessages]
 * @param {MaybeAccessor<string | URL>} url
 * @param {MaybeAccessor<HostOptions | undefined>} [options] Read when it begins. An accessor may use objects that only a browser has.
 * @returns {{ room: Accessor<Host<M> | undefined>, id: Accessor<string | undefined>, status: Accessor<Status>,
 *   audience: Accessor<import("./owner.js").Audience | undefined> }}
 */
export function createHost(url, options) {
  const host = clientOf(url, "own", (url) => own(url, read(options)));
  // A room gets its id and a status at the same time.
  return { ...host, id: createMemo(() => (host.status(), host.room()?.id || undefined)) };
}

/**
 * Returns the value of a key: its parameters, or `undefined` while it has no value.
 * @template S
 * @template {keyof S & string} K
 * @param {MaybeAccessor<{ state: import("./store.js").State<S> } | undefined>} room A viewer's or an owner's.
 * @param {MaybeAccessor<K>} key
 * @returns {Accessor<S[K] | undefined>}
 */
export function createRoomKey(room, key) {
  return accessorOf(() => read(room)?.state.key(read(key)), undefined);
}
