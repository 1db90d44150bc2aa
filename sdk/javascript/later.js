// Loads what an end needs only once it has come into its room. Must not know what that is.

import { failure } from "./failure.js";

/**
 * The part that is loaded later. `debug` and `windows` are there only where complete.js brought them.
 * @typedef {typeof import("./stay.js") & { debug?: typeof import("./debug.js"), windows?: typeof import("./windows.js") }} Stays
 */

/** @type {Stays | undefined} What was loaded, for all ends of the page. */
export let loaded;

/** @type {Promise<Stays | undefined> | undefined} */
let loading;

/**
 * Uses it, now or as soon as it is loaded. Rejects with the code that `use` gives, if it gives one.
 * @param {boolean} isIn Whether the end is in its room: else it is too early to load anything.
 * @param {(stays: Stays) => string | undefined} use
 */
export async function soon(isIn, use) {
  const stays = loaded ?? (isIn ? await load() : undefined);
  const code = stays ? use(stays) : isIn ? "lost" : "offline";
  if (code) throw failure(code);
}

/** Takes the part, if there is none yet. @param {Stays} stays */
export const take = (stays) => (loaded ??= stays);

/** Loads it, once. Gives nothing if it cannot be loaded; then it is tried again by the next call. */
export const load = () => (loading ??= import("./stay.js").then(take, () => (loading = undefined)));
