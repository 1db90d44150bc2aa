// What `rtbroadcaster/react` is where React renders server components: that build of React has no hooks, so importing the real
// entry would fail there. Every hook says what to do instead. Must not know React.

/** Returns what stands for a hook: it throws. */
const hook = (/** @type {string} */ name) => () => {
  throw new Error(`${name} needs a client component: put "use client" on the first line of the file that calls it.`);
};

/** @type {typeof import("./react.js").useRoom} */
export const useRoom = hook("useRoom");

/** @type {typeof import("./react.js").useRoomKey} */
export const useRoomKey = hook("useRoomKey");
