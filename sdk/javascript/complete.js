// Includes the modules that the other entries load on demand, for places without dynamic import, such as a service worker.

import * as debug from "./debug.js";
import { take } from "./later.js";
import * as stays from "./stay.js";
import * as windows from "./windows.js";

export { RtbError } from "./failure.js";

take({ ...stays, debug, windows });
