// Includes the modules that the other entries load on demand, for places without dynamic import, such as a service worker.

import * as debug from "./debug.js";
import { provide } from "./lazy.js";
import * as stay from "./stay.js";
import * as windows from "./windows.js";

export { RtbError } from "./failure.js";

provide({ ...stay, debug, windows });
