// A room in Svelte: its status and the values of its keys as stores, which have a connection while something is subscribed to them.
// Must not know sockets. Needs Svelte 4 or later.

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

/** Returns a store of what may be one. @param {any} value @returns {Readable<any>} */
const storeOf = (value) => (value?.subscribe ? value : readable(value));

/**
 * Returns the newest of a value that is picked from what stores hold, or `otherwise`.
 * @param {Readable<any>[]} stores
 * @param {(...held: any[]) => import("./ears.js").Value<any> | undefined} pick
 * @param {any} [otherwise]
 */
function reading(stores, pick, otherwise) {
  return derived(stores, (held, set) => {
    const value = pick(...held);
    set(value?.value ?? otherwise);
    return value?.subscribe(set);
  }, otherwise);
}

/**
 * Returns the end that `begin` gives for an id, while something is subscribed and there is an id.
 * @param {any} id
 * @param {(id: any) => any} begin
 */
function inside(id, begin) {
  /** @type {Readable<any>} */
  const room = derived(storeOf(id), (id, set) => {
    // A server renders by subscribing, and is no place to watch from.
    if (!id || !globalThis.document) return set(undefined);
    const end = begin(id);
    set(end);
    return () => end.leave();
  }, undefined);
  const status = reading([room], (room) => room?.status, CONNECTING);
  return { room, status, audience: reading([room], (room) => room?.audience) };
}

/**
 * Watches a room while something is subscribed to one of its stores, or to what `createRoomKey` made of it. Without an id nothing is
 * watched.
 * @template [M=AnyMessages]
 * @param {string | URL} url
 * @param {string | null | undefined | Readable<string | null | undefined>} id A store, if it may change.
 * @param {ViewerOptions} [options]
 * @returns {{ room: Readable<Viewer<M> | undefined>, status: Readable<Status>, audience: Readable<{ viewers: number } | undefined> }}
 */
export function createRoom(url, id, options) {
  return inside(id, (id) => watch(url, id, options));
}

/**
 * Owns a room while something is subscribed to one of its stores. Its `id` is there when the room is.
 * @template [M=AnyMessages]
 * @param {string | URL} url
 * @param {HostOptions | (() => HostOptions)} [options] A function may name what only a browser has.
 * @returns {{ room: Readable<Host<M> | undefined>, id: Readable<string | undefined>, status: Readable<Status>,
 *   audience: Readable<import("./owner.js").Audience | undefined> }}
 */
export function createHost(url, options) {
  const host = inside(true, () => own(url, typeof options === "function" ? options() : options));
  // A room gets its id and a status at the same time.
  return { ...host, id: derived([host.room, host.status], ([room]) => room?.id || undefined) };
}

/**
 * Returns what a key of a room holds: its parameters, `undefined` while it holds nothing.
 * @template S
 * @template {keyof S & string} K
 * @param {Readable<{ state: import("./store.js").State<S> } | undefined> | { state: import("./store.js").State<S> } | undefined} room A
 *   viewer's or an owner's.
 * @param {K | Readable<K>} key
 * @returns {Readable<S[K] | undefined>}
 */
export function createRoomKey(room, key) {
  return reading([storeOf(room), storeOf(key)], (room, key) => room?.state.key(key));
}
