// What the types of a viewer allow and what they refuse. Compiled by `npm run check`, never run.

import { join, RtbError, watch } from "../../viewer.js";
import type { ErrorCode, KeyOptions, ListenOptions, Message, MessageOf, Options, State, Stats, Status, Value, Viewer, ViewerEvents, ViewerOptions } from "../../viewer.js";

type Show = {
  state: { slide: readonly [number]; note: [text: string, bold?: boolean] };
  events: { pointer: readonly [number, number]; bell: [] };
  signals: { hand: []; vote: [answer: string] };
};
interface AsInterface {
  state: { slide: [number] };
}

const show: Viewer<Show> = await join<Show>("wss://example.org/broadcasting", "room", { signal: AbortSignal.timeout(5_000), share: "tabs" });
const off: () => void = show.on("slide", (n) => n.toFixed(), { cleared: () => {}, once: true });
show.on("pointer", (x, y) => x + y, { signal: new AbortController().signal });
show.on("note", (text, bold) => bold && text.trim());
show.status.subscribe(({ name }) => name === "lagging");
show.audience.subscribe(({ viewers }) => viewers.toFixed());
show.listen("reset", ({ reason }) => reason.trim());
show.listen("refused", (error: RtbError) => error.message.trim());
show.listen("message", (message) => {
  if (message.key === "pointer" && message.params.length) message.params[1].toFixed();
  if (message.late) message.seq?.toFixed();
});
for await (const { key, seq } of show) [key === "slide", seq?.toFixed()];
for await (const { key } of show.messages({ signal: AbortSignal.timeout(1) })) key === "bell";
const slide: readonly [number] | undefined = show.state.get("slide");
const value: Value<readonly [number] | undefined> = show.state.key("slide");
const stop: () => void = show.state.subscribe(() => show.state.getSnapshot().size);
const sent: Promise<void> = show.signal("hand");
void show.signal("vote", ["a"]);
show.leave();

// @ts-expect-error No such message.
show.on("slides", () => {});
// @ts-expect-error The parameter is a number.
show.on("slide", (text: string) => text);
// @ts-expect-error No such key.
show.state.get("slides");
// @ts-expect-error An event holds nothing.
show.state.get("bell");
// @ts-expect-error No such event of a room.
show.listen("refuse", () => {});
// @ts-expect-error A key is no event of a room.
show.listen("slide", () => {});
// @ts-expect-error No such signal.
void show.signal("hands");
// @ts-expect-error It has a parameter.
void show.signal("vote");
// @ts-expect-error The parameter is a text.
void show.signal("vote", [1]);
// @ts-expect-error What was read does not change.
slide?.push(1);
// @ts-expect-error No such status.
void (show.status.value.name === "open");
// @ts-expect-error A signal is not a number.
void join("/broadcasting", "room", { lifetime: 5 });

const any = watch("/broadcasting", "room", { pauseHidden: false, debug: true });
any.on("whatever", (first, second) => [first, second]);
any.state.get("whatever")?.[0];
void any.signal("whatever", [1]);
watch<AsInterface>("/broadcasting", "room").on("slide", (n) => n.toFixed());

type Named = [ErrorCode, KeyOptions, ListenOptions, Message, MessageOf<Show>, Options, State<{}>, Stats, Status, ViewerEvents<Show>, ViewerOptions];

export { off, sent, slide, stop, value };
export type { Named };
