"use client";
// A room in React: its status and the values of its keys, without tearing and without effects of one's own. Must not know
// sockets. Needs React 18 or later.

import { createContext, createElement, useContext, useEffect, useInsertionEffect, useMemo, useState, useSyncExternalStore } from "react";
import { own } from "./host.js";
import { RtbError, watch } from "./viewer.js";

/**
 * @typedef {import("./viewer.js").AnyMessages} AnyMessages
 * @typedef {import("./owner.js").HostOptions} HostOptions
 * @typedef {import("./viewer.js").Status} Status
 * @typedef {import("./viewer.js").ViewerOptions} ViewerOptions
 */

/** @template M @typedef {import("./owner.js").Host<M>} Host */

/** @template M @typedef {import("./viewer.js").Viewer<M>} Viewer */

/** @template T @template [N=T] @typedef {import("./ears.js").Value<T, N>} Value */

/**
 * Whether a final failure is thrown while rendering, for the error boundary above: all of them, or those for which a function
 * returns true. A boundary that is reset begins anew. Without it `error` tells the failure.
 * @typedef {{ throwOnError?: boolean | ((error: RtbError) => boolean) }} ErrorOptions
 */

/**
 * What a component has of an end.
 * @template E
 * @typedef {object} Used
 * @property {E | undefined} room There from the first effect on; `undefined` on a server.
 * @property {Status} status Where it stands; `connecting` while there is no room.
 * @property {RtbError | undefined} error Why it is over, unless the program ended it; the same object until it begins anew.
 * @property {() => void} retry Begins anew if it is over; else it tries now to come back.
 */

/** @type {Readonly<Status>} */
const CONNECTING = Object.freeze({ name: "connecting" });

const nothing = () => {};

/** @type {import("react").Context<Used<any> & { url?: string | URL, options?: ViewerOptions & ErrorOptions }>} */
const Around = createContext(/** @type {any} */ ({ status: CONNECTING, retry: nothing }));

/**
 * What a value is now. @template T @param {Value<T, any> | undefined} value @param {T} empty What it is without one. @returns {T}
 */
function useValue(value, empty) {
  const subscribe = useMemo(() => (/** @type {() => void} */ func) => value?.subscribe(func) ?? nothing, [value]);
  return useSyncExternalStore(subscribe, () => (value ? value.value : empty), () => empty);
}

/**
 * Holds an end while the component is there.
 * @param {string | false} key Names what is held: another key is another end.
 * @param {() => any} begin Begins it.
 * @param {ErrorOptions["throwOnError"]} throwOnError
 * @param {boolean} [isShared] Whether a component that comes while this one goes may have its connection.
 * @returns {Used<any>}
 */
function useEnd(key, begin, throwOnError, isShared) {
  const [tries, again] = useState(0);
  const [held, hold] = useState(/** @type {{ name: string, end: any } | undefined} */ (undefined));
  const name = key && key + tries;
  useEffect(() => {
    if (!name) return;
    let isGone = false;
    /** @type {any} */
    let end;
    // Later: StrictMode takes an effect back at once to try it, which needs no room.
    queueMicrotask(() => isGone || hold({ name, end: (end = begin()) }));
    return () => {
      isGone = true;
      hold(undefined);
      const leave = () => end?.leave();
      if (isShared) setTimeout(leave);
      else leave();
    };
  }, [name]);
  // What is held may be that of the key before.
  const room = held?.name === name ? held?.end : undefined;
  const status = useStatus(room);
  const error = useMemo(
    () => (status.name === "closed" && status.code !== 1000 ? new RtbError(status.reason, status) : undefined),
    [status],
  );
  const isOver = !room || status.name === "closed";
  const retry = useMemo(() => () => (isOver ? again(tries + 1) : room.reconnect()), [isOver, room, tries]);
  if (error && (typeof throwOnError === "function" ? throwOnError(error) : throwOnError)) throw error;
  return { room, status, error, retry };
}

/**
 * Gives the components below an address and options, which theirs come before, and the room `id`, if there is one, as `useRoom()`.
 * @param {{ url?: string | URL, id?: string | null, options?: ViewerOptions & ErrorOptions, children?: any }} props `children`: any node of React; its
 *   types need not be installed.
 * @returns {any} An element.
 */
export function RoomProvider({ url, id, options, children }) {
  const around = useContext(Around);
  const used = useRoom(url, id, options);
  const value = useMemo(
    () => ({ ...used, url: url ?? around.url, options: { ...around.options, ...options } }),
    [around, url, options, ...Object.values(used)],
  );
  return createElement(Around.Provider, { value }, children);
}

/**
 * Watches a room for as long as the component is there. Components that watch the same one in the same way share one connection.
 * Never returns anything of another room than `id`. Without `id` nothing is watched.
 *
 * - `useRoom(url, id, options)`
 * - `useRoom(id, options)`: at the address of the `RoomProvider`
 * - `useRoom()`: the room of the `RoomProvider`
 *
 * Options are read when the room is entered: other options alone change nothing.
 * @template [M=AnyMessages]
 * @overload
 * @returns {Used<Viewer<M>>}
 */
/**
 * @template [M=AnyMessages]
 * @overload
 * @param {string | null | undefined} id
 * @returns {Used<Viewer<M>>}
 */
/**
 * @template [M=AnyMessages]
 * @overload
 * @param {string | null | undefined} id
 * @param {ViewerOptions & ErrorOptions} options
 * @returns {Used<Viewer<M>>}
 */
/**
 * @template [M=AnyMessages]
 * @overload
 * @param {string | URL | undefined} url
 * @param {string | null | undefined} id
 * @param {ViewerOptions & ErrorOptions} [options]
 * @returns {Used<Viewer<M>>}
 */
/** @param {any[]} given @returns {Used<any>} */
export function useRoom(...given) {
  const around = useContext(Around);
  const isInside = given.length === 0;
  if (given.length === 1 || Object(given[1]) === given[1]) given.unshift(undefined);
  const [url = around.url, id, own] = given;
  const options = { ...around.options, ...own };
  const used = useEnd(id && `${url}\n${id}\n`, () => watch(url, id, options), options.throwOnError, true);
  return isInside ? around : used;
}

/**
 * Owns a room for as long as the component is there, one room also in StrictMode: a new one unless `room` or `storage` name one.
 * A component that goes leaves the room, which waits for its owner for its grace.
 * @template [M=AnyMessages]
 * @param {string | URL | undefined} url That of the `RoomProvider` if it is `undefined`.
 * @param {HostOptions & ErrorOptions} [options] Read when the room is begun: of other options only another `room` changes something.
 * @returns {Used<Host<M>>}
 */
export function useHost(url, options = {}) {
  const { url: address = "" } = useContext(Around);
  const there = url ?? address;
  return useEnd(`${there}\n${options.room}\n`, () => own(there, options), options.throwOnError);
}

/**
 * What a key of a room holds: its parameters, `undefined` while it holds nothing. Renders when this key changes only.
 * @template M
 * @template {keyof import("./messages.js").StateOf<M> & string} K
 * @param {Viewer<M> | Host<M> | undefined} room
 * @param {K} key
 * @returns {import("./messages.js").StateOf<M>[K] | undefined}
 */
export function useRoomKey(room, key) {
  return useValue(useMemo(() => room?.state.key(key), [room, key]), undefined);
}

/**
 * Calls the newest `func` for each message of a key, and first for what it holds; of an owner's room for each signal of a key.
 * @template M
 * @template {import("./messages.js").KeyOf<M>} K
 * @overload
 * @param {Viewer<M> | undefined} room
 * @param {K} key
 * @param {(...params: import("./messages.js").ParamsOf<M, K>) => void} func
 * @returns {void}
 */
/**
 * @template M
 * @template {keyof import("./messages.js").SignalsOf<M> & string} K
 * @overload
 * @param {Host<M> | undefined} room
 * @param {K} key
 * @param {(signal: Extract<import("./messages.js").SignalOf<M>, { key: K }>) => void} func
 * @returns {void}
 */
/** @param {any} room @param {string} key @param {(...values: any[]) => void} func */
export function useRoomEvent(room, key, func) {
  const [newest] = useState({ func });
  useInsertionEffect(() => {
    newest.func = func;
  });
  useEffect(() => room?.on(key, (/** @type {any[]} */ ...values) => newest.func(...values)), [room, key]);
}

/**
 * How many watch, `undefined` while it is not known. An owner is told more than a viewer.
 * @template A
 * @param {{ audience: Value<A | undefined, any> } | undefined} room
 * @returns {A | undefined}
 */
export function useAudience(room) {
  return useValue(room?.audience, undefined);
}

/**
 * Where a room stands, as `useRoom` tells it, for components that get the room as a property.
 * @param {{ status: Value<Status> } | undefined} room
 * @returns {Status}
 */
export function useStatus(room) {
  return useValue(room?.status, CONNECTING);
}
