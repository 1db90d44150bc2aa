// The stand-in for `rtbroadcaster/react` in React's server components. That build of React has no hooks, so importing the real entry would
// fail. Each hook here throws an error that says what to do. Must not know React.

/** Returns a hook that throws. */
const hook = (/** @type {string} */ name) => () => {
  throw new Error(`${name} needs a client component: put "use client" on the first line of the file that calls it.`);
};

/** @type {typeof import("./react.js").RoomProvider} */
export const RoomProvider = hook("RoomProvider");

/** @type {typeof import("./react.js").useAudience} */
export const useAudience = hook("useAudience");

/** @type {typeof import("./react.js").useHost} */
export const useHost = hook("useHost");

/** @type {typeof import("./react.js").useRoom} */
export const useRoom = hook("useRoom");

/** @type {typeof import("./react.js").useRoomEvent} */
export const useRoomEvent = hook("useRoomEvent");

/** @type {typeof import("./react.js").useRoomKey} */
export const useRoomKey = hook("useRoomKey");

/** @type {typeof import("./react.js").useStatus} */
export const useStatus = hook("useStatus");
