export type LazyModule = typeof import("./stay.js") & {
    debug?: typeof import("./debug.js");
    windows?: typeof import("./windows.js");
};
/**
 * The module that is loaded on demand. It has `debug` and `windows` only if complete.js provided it.
 * @typedef {typeof import("./stay.js") & { debug?: typeof import("./debug.js"), windows?: typeof import("./windows.js") }} LazyModule
 */
/** @type {LazyModule | undefined} The loaded module, for all clients of the page. */
export declare let loaded: LazyModule | undefined;
/**
 * Calls `use` with the module, now or as soon as it is loaded. Rejects with the code that `use` returns, if it returns one; with `offline`
 * if the client is not in its room and the module is not loaded; with `lost` if loading fails.
 * @param {boolean} isIn Whether the client is in its room. Before that it does not load the module.
 * @param {(module: LazyModule) => string | undefined} use
 */
export declare function whenLoaded(isIn: boolean, use: (module: LazyModule) => string | undefined): Promise<void>;
/** Provides the module, if none is loaded. @param {LazyModule} module */
export declare const provide: (module: LazyModule) => LazyModule;
/** Loads the module, once. Resolves to `undefined` if that fails; the next call tries again. */
export declare const load: () => Promise<LazyModule | undefined>;
