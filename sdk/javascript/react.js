"use client";
// Hooks for React 18 and later: a room, its status and the values of its keys. Must not know sockets.

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

/** @template T @template [N=T] @typedef {import("./listeners.js").Value<T, N>} Value */

/**
 * The option `throwOnError`: whether a hook throws its final error while rendering, for the error boundary above. A function returns for
 * which errors. Resetting the boundary begins anew. Default false: the hook returns `error`.
 * @typedef {{ throwOnError?: boolean | ((error: RtbError) => boolean) }} ErrorOptions
 */

/**
 * The result of `useRoom` and `useHost`.
 * @template E
 * @typedef {object} Used
 * @property {E | undefined} room The viewer or owner, from the first effect on; `undefined` on a server.
 * @property {Status} status The status; `connecting` while there is no room.
 * @property {RtbError | undefined} error The error with which the room closed, unless the program closed it. The same object until a retry.
 * @property {() => void} retry Begins anew if the room is closed; else reconnects now.
 */

/** @type {Readonly<Status>} */
const CONNECTING = Object.freeze({ name: "connecting" });

const nothing = () => {};

/** @type {import("react").Context<Used<any> & { url?: string | URL, options?: ViewerOptions & ErrorOptions }>} */
const RoomContext = createContext(/** @type {any} */ ({ status: CONNECTING, retry: nothing }));

/**
 * Returns the present content of a value. @template T @param {Value<T, any> | undefined} value @param {T} empty The result without a value. @returns {T}
 */
function useValue(value, empty) {
  const subscribe = useMemo(() => (/** @type {() => void} */ func) => value?.subscribe(func) ?? nothing, [value]);
  return useSyncExternalStore(subscribe, () => (value ? value.value : empty), () => empty);
}

/**
 * Holds a viewer or owner while the component is mounted.
 * @param {string | false} key Identifies it: another key begins another one.
 * @param {() => any} begin Begins it.
 * @param {ErrorOptions["throwOnError"]} throwOnError
 * @param {boolean} [isShared] Whether a component that mounts while this one unmounts may take over its connection.
 * @returns {Used<any>}
 */
function useClient(key, begin, throwOnError, isShared) {
  const [tries, again] = useState(0);
  const [held, hold] = useState(/** @type {{ name: string, end: any } | undefined} */ (undefined));
  const name = key && key + tries;
  useEffect(() => {
    if (!name) return;
    let isGone = false;
    /** @type {any} */
    let end;
    // In a microtask: StrictMode runs an effect and its cleanup once for a trial, which should not connect.
    queueMicrotask(() => isGone || hold({ name, end: (end = begin()) }));
    return () => {
      isGone = true;
      hold(undefined);
      const leave = () => end?.leave();
      if (isShared) setTimeout(leave);
      else leave();
    };
  }, [name]);
  // `held` may still belong to the earlier key.
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
 * Provides the components below with an address, default options and, if `id` is given, the room that `useRoom()` returns.
 * @param {{ url?: string | URL, id?: string | null, options?: ViewerOptions & ErrorOptions, children?: any }} props `children`: any node of React; its
 *   types need not be installed.
 * @returns {any} A React element.
 */
export function RoomProvider({ url, id, options, children }) {
  const around = useContext(RoomContext);
  const used = useRoom(url, id, options);
  const value = useMemo(
    () => ({ ...used, url: url ?? around.url, options: { ...around.options, ...options } }),
    [around, url, options, ...Object.values(used)],
  );
  return createElement(RoomContext.Provider, { value }, children);
}

/**
 * Watches a room while the component is mounted. Components that watch the same room with equal options share one connection. Never
 * returns anything of another room than `id`. Without `id` it waits.
 *
 * - `useRoom(url, id, options)`
 * - `useRoom(id, options)`: at the address of the `RoomProvider`
 * - `useRoom()`: the room of the `RoomProvider`
 *
 * Options are read when the room is entered; later changes of them have no effect.
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
  const around = useContext(RoomContext);
  const isInside = given.length === 0;
  if (given.length === 1 || Object(given[1]) === given[1]) given.unshift(undefined);
  const [url = around.url, id, own] = given;
  const options = { ...around.options, ...own };
  const used = useClient(id && `${url}\n${id}\n`, () => watch(url, id, options), options.throwOnError, true);
  return isInside ? around : used;
}

/**
 * Owns a room while the component is mounted: the existing one that `room` or `storage` name, or a new one; one room also in StrictMode.
 * A component that unmounts leaves the room, which waits for its owner for its grace.
 * @template [M=AnyMessages]
 * @param {string | URL | undefined} url Default the address of the `RoomProvider`.
 * @param {HostOptions & ErrorOptions} [options] Read when the room is begun. Of later changes only another `room` has an effect.
 * @returns {Used<Host<M>>}
 */
export function useHost(url, options = {}) {
  const { url: address = "" } = useContext(RoomContext);
  const there = url ?? address;
  return useClient(`${there}\n${options.room}\n`, () => own(there, options), options.throwOnError);
}

/**
 * Returns the value of a key: its parameters, or `undefined` while it has no value. Renders only when this key changes.
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
 * Calls the newest `func` for the present value of a key and for each message of it. Of an owner's room: for each signal of a key.
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
 * Returns the audience, or `undefined` while it is unknown. An owner's has more members than a viewer's.
 * @template A
 * @param {{ audience: Value<A | undefined, any> } | undefined} room
 * @returns {A | undefined}
 */
export function useAudience(room) {
  return useValue(room?.audience, undefined);
}

/**
 * Returns the status of a room, for components that get the room as a property; `connecting` without a room.
 * @param {{ status: Value<Status> } | undefined} room
 * @returns {Status}
 */
export function useStatus(room) {
  return useValue(room?.status, CONNECTING);
}
