// A clock that a test advances, with every file of a client loaded: the clock stands still while one is. Must not know what waits for it.

import { load } from "../lazy.js";

await load();

export * from "./bare-clock.mjs";
