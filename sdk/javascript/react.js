// A room in React: its status and the values of its keys, without tearing and without effects of one's own. Must not know
// sockets. Needs React 18 or later.

import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { watch } from "./viewer.js";

/**
 * @typedef {import("./viewer.js").AnyMessages} AnyMessages
 * @typedef {import("./viewer.js").Status} Status
 * @typedef {import("./viewer.js").ViewerOptions} ViewerOptions
 */

/** @type {Readonly<Status>} */
const CONNECTING = Object.freeze({ name: "connecting" });

const nothing = () => {};

/**
 * Watches a room for as long as the component is there. `room` is there from the first effect on; hand it to
 * `useRoomKey`. Without `id` nothing is watched.
 * @template {{ [K in keyof M]: any[] }} [M=AnyMessages]
 * @param {string | URL} url
 * @param {string | null | undefined} id
 * @param {ViewerOptions} [options] Read when the room is entered: other options alone change nothing.
 * @returns {{ room: import("./viewer.js").Viewer<M> | undefined, status: Status }}
 */
export function useRoom(url, id, options) {
  const [room, setRoom] = useState(/** @type {import("./viewer.js").Viewer<M> | undefined} */ (undefined));
  const newest = useRef(options);
  useEffect(() => {
    newest.current = options;
  });
  const address = String(url);
  useEffect(() => {
    if (!id) return;
    /** @type {import("./viewer.js").Viewer<M> | undefined} */
    let mine;
    // Later: StrictMode takes an effect back at once to try it, which needs no connection.
    const begin = setTimeout(() => setRoom((mine = watch(address, id, newest.current))));
    return () => {
      clearTimeout(begin);
      mine?.leave();
      setRoom(undefined);
    };
  }, [address, id]);
  const subscribe = useCallback((/** @type {() => void} */ func) => room?.on("status", func) ?? nothing, [room]);
  const status = useSyncExternalStore(subscribe, () => room?.status ?? CONNECTING, () => CONNECTING);
  return { room, status };
}

/**
 * What a key of a room holds: its parameters, `undefined` while it holds nothing. Renders when this key changes only.
 * @template {{ [K in keyof M]: any[] }} M
 * @template {keyof M & string} K
 * @param {{ state: import("./store.js").State<M> } | undefined} room A viewer's or an owner's.
 * @param {K} key
 * @returns {M[K] | undefined}
 */
export function useRoomKey(room, key) {
  const subscribe = useCallback((/** @type {() => void} */ func) => room?.state.subscribe(func) ?? nothing, [room]);
  return useSyncExternalStore(subscribe, () => room?.state.get(key), () => undefined);
}
