// Stores for Svelte 4 and later: a room, its status and the values of its keys. They connect while they have subscribers. Must not know
// sockets.

import { derived, readable } from "svelte/store";
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

/** @template T @typedef {import("svelte/store").Readable<T>} Readable */

/** @type {Status} */
const CONNECTING = Object.freeze({ name: "connecting" });

/** Returns the store itself, or a store of any other value. @param {any} value @returns {Readable<any>} */
const storeOf = (value) => (value?.subscribe ? value : readable(value));

/**
 * Returns a store of the present content of the value that `pick` returns, or of `otherwise`.
 * @param {Readable<any>[]} stores
 * @param {(...held: any[]) => import("./listeners.js").Value<any> | undefined} pick
 * @param {any} [otherwise]
 */
function storeOfValue(stores, pick, otherwise) {
  return derived(stores, (held, set) => {
    const value = pick(...held);
    set(value?.value ?? otherwise);
    return value?.subscribe(set);
  }, otherwise);
}

/**
 * Returns stores of the viewer or owner that `begin` returns for an id. It begins with the first subscriber, if there is an id.
 * @param {any} id
 * @param {(id: any) => any} begin
 */
function clientOf(id, begin) {
  /** @type {Readable<any>} */
  const room = derived(storeOf(id), (id, set) => {
    // Rendering on a server subscribes too, and must not connect.
    if (!id || !globalThis.document) return set(undefined);
    const end = begin(id);
    set(end);
    return () => end.leave();
  }, undefined);
  const status = storeOfValue([room], (room) => room?.status, CONNECTING);
  return { room, status, audience: storeOfValue([room], (room) => room?.audience) };
}

/**
 * Watches a room while one of its stores, or a store of `createRoomKey`, has a subscriber. Without an id it waits.
 * @template [M=AnyMessages]
 * @param {string | URL} url
 * @param {string | null | undefined | Readable<string | null | undefined>} id The id, or a store of it.
 * @param {ViewerOptions} [options]
 * @returns {{ room: Readable<Viewer<M> | undefined>, status: Readable<Status>, audience: Readable<{ viewers: number } | undefined> }}
 */
export function createRoom(url, id, options) {
  return clientOf(id, (id) => watch(url, id, options));
}

/**
 * Owns a room while one of its stores has a subscriber. `id` is set when the room is created or found.
 * @template [M=AnyMessages]
 * @param {string | URL} url
 * @param {HostOptions | (() => HostOptions)} [options] A function may use objects that only a browser has.
 * @returns {{ room: Readable<Host<M> | undefined>, id: Readable<string | undefined>, status: Readable<Status>,
 *   audience: Readable<import("./owner.js").Audience | undefined> }}
 */
export function createHost(url, options) {
  const host = clientOf(true, () => own(url, typeof options === "function" ? options() : options));
  // A room gets its id and a status at the same time.
  return { ...host, id: derived([host.room, host.status], ([room]) => room?.id || undefined) };
}

/**
 * Returns a store of a key's value: its parameters, or `undefined` while it has no value.
 * @template S
 * @template {keyof S & string} K
 * @param {Readable<{ state: import("./store.js").State<S> } | undefined> | { state: import("./store.js").State<S> } | undefined} room A
 *   viewer's or an owner's.
 * @param {K | Readable<K>} key
 * @returns {Readable<S[K] | undefined>}
 */
export function createRoomKey(room, key) {
  return storeOfValue([storeOf(room), storeOf(key)], (room, key) => room?.state.key(key));
}
