// The example in Vue, in a browser.

import { slides } from "./slides.mjs";

slides("vue");
