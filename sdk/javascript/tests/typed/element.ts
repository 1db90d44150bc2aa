// What the types of the element allow and what they refuse. Compiled by `npm run check`, never run.

import { RtbValue } from "../../element.js";

RtbValue.options = { token: async () => "token", pauseHidden: false };
const element: HTMLElement = new RtbValue();
element.setAttribute("room", "room");

// @ts-expect-error No such option.
RtbValue.options = { storage: sessionStorage };
