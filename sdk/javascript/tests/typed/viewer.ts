// What the types of a viewer allow and what they refuse. Compiled by `npm run check`, never run.

import { join, watch } from "../../viewer.js";

type Show = { slide: [number]; pointer: [number, number]; note: [text: string, bold?: boolean] };
interface AsInterface {
  slide: [number];
}

const show = await join<Show>("wss://example.org/broadcasting", "room", { signal: AbortSignal.timeout(5_000) });
const off: () => void = show.on("slide", (n) => n.toFixed());
show.on("pointer", (x, y) => x + y, { signal: new AbortController().signal });
show.on("note", (text, bold) => bold && text.trim());
show.on("status", ({ name, code, comesBack }) => [name === "lagging", code?.toFixed(), comesBack]);
show.on("audience", ({ viewers }) => viewers.toFixed());
show.on("reset", ({ reason }) => reason.trim());
show.on("state", (state) => state.get("slide"));
show.on("message", (message) => {
  if (message.key === "pointer" && message.params.length) message.params[1].toFixed();
});
for await (const { key, seq } of show) [key === "slide", seq?.toFixed()];
const slide: [number] | undefined = show.state.get("slide");
const stop: () => void = show.state.subscribe(() => show.state.getSnapshot().size);
const sent: boolean = show.signal("hand", [true]);
show.leave();

// @ts-expect-error No such message.
show.on("slides", () => {});
// @ts-expect-error The parameter is a number.
show.on("slide", (text: string) => text);
// @ts-expect-error No such key.
show.state.get("slides");
// @ts-expect-error The status is one of six.
show.status.name === "open";

const any = watch("/broadcasting", "room", { pauseHidden: false, debug: true });
any.on("whatever", (first, second) => [first, second]);
any.state.get("whatever")?.[0];
watch<AsInterface>("/broadcasting", "room").on("slide", (n) => n.toFixed());

export { off, slide, stop, sent };
