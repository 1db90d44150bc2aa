// The example in Svelte, in a browser.

import { slides } from "./slides.mjs";

slides("svelte");
