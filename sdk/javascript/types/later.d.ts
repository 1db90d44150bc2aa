export type Stays = typeof import("./stay.js") & {
    debug?: typeof import("./debug.js");
    windows?: typeof import("./windows.js");
};
/**
 * The part that is loaded later. `debug` and `windows` are there only where complete.js brought them.
 * @typedef {typeof import("./stay.js") & { debug?: typeof import("./debug.js"), windows?: typeof import("./windows.js") }} Stays
 */
/** @type {Stays | undefined} What was loaded, for all ends of the page. */
export declare let loaded: Stays | undefined;
/**
 * Uses it, now or as soon as it is loaded. Rejects with the code that `use` gives, if it gives one.
 * @param {boolean} isIn Whether the end is in its room: else it is too early to load anything.
 * @param {(stays: Stays) => string | undefined} use
 */
export declare function soon(isIn: boolean, use: (stays: Stays) => string | undefined): Promise<void>;
/** Takes the part, if there is none yet. @param {Stays} stays */
export declare const take: (stays: Stays) => Stays;
/** Loads it, once. Gives nothing if it cannot be loaded; then it is tried again by the next call. */
export declare const load: () => Promise<Stays | undefined>;
