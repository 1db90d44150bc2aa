// Makes RTBroadcaster a global for classic scripts: <script type="module" src="/sdk/global.js"></script>

import { RTBroadcaster } from "./rtbroadcaster.js";

Object.assign(globalThis, { RTBroadcaster });
