// Loads stay.js on demand, once a client has entered its room. Must not know what that module does.

import { failure } from "./failure.js";

/**
 * The module that is loaded on demand. It has `debug` and `windows` only if complete.js provided it.
 * @typedef {typeof import("./stay.js") & { debug?: typeof import("./debug.js"), windows?: typeof import("./windows.js") }} Stays
 */

/** @type {Stays | undefined} The loaded module, for all clients of the page. */
export let loaded;

/** @type {Promise<Stays | undefined> | undefined} */
let loading;

/**
 * Calls `use` with the module, now or as soon as it is loaded. Rejects with the code that `use` returns, if it returns one; with `offline`
 * if the client is not in its room and the module is not loaded; with `lost` if loading fails.
 * @param {boolean} isIn Whether the client is in its room. Before that it does not load the module.
 * @param {(stays: Stays) => string | undefined} use
 */
export async function soon(isIn, use) {
  const stays = loaded ?? (isIn ? await load() : undefined);
  const code = stays ? use(stays) : isIn ? "lost" : "offline";
  if (code) throw failure(code);
}

/** Provides the module, if none is loaded. @param {Stays} stays */
export const take = (stays) => (loaded ??= stays);

/** Loads the module, once. Resolves to `undefined` if that fails; the next call tries again. */
export const load = () => (loading ??= import("./stay.js").then(take, () => (loading = undefined)));
