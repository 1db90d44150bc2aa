// Puts RTBroadcaster where classic scripts find it: <script type="module" src="/sdk/global.js"></script>

import { RTBroadcaster } from "./rtbroadcaster.js";

Object.assign(globalThis, { RTBroadcaster });
