// Brings all that is else loaded later, for places without dynamic import, such as a service worker. Must not know what its parts do.

import * as debug from "./debug.js";
import { take } from "./later.js";
import * as stays from "./stay.js";
import * as windows from "./windows.js";

export { RtbError } from "./failure.js";

take({ ...stays, debug, windows });
