// Loads stay.js on demand, once a client has entered its room. Must not know what that module does.

import { failure } from "./failure.js";

/**
 * The module that is loaded on demand. It has `debug` and `windows` only if complete.js provided it.
 * @typedef {typeof import("./stay.js") & { debug?: typeof import("./debug.js"), windows?: typeof import("./windows.js") }} LazyModule
 */

/** @type {LazyModule | undefined} The loaded module, for all clients of the page. */
export let loaded;

/** @type {Promise<LazyModule | undefined> | undefined} */
let loading;

/**
 * Calls `use` with the module, now or as soon as it is loaded. Rejects with the code that `use` returns, if it returns one; with `offline`
 * if the client is not in its room and the module is not loaded; with `lost` if loading fails.
 * @param {boolean} isIn Whether the client is in its room. Before that it does not load the module.
 * @param {(module: LazyModule) => string | undefined} use
 */
export async function whenLoaded(isIn, use) {
  const module = loaded ?? (isIn ? await load() : undefined);
  const code = module ? use(module) : isIn ? "lost" : "offline";
  if (code) throw failure(code);
}

/** Provides the module, if none is loaded. @param {LazyModule} module */
export const provide = (module) => (loaded ??= module);

/** Loads the module, once. Resolves to `undefined` if that fails; the next call tries again. */
export const load = () => (loading ??= import("./stay.js").then(provide, () => (loading = undefined)));
