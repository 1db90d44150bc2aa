// What the types of an owner allow and what they refuse. Compiled by `npm run check`, never run.

import { host, join, own, RtbError } from "../../index.js";
import type { AnyMessages, Audience, Cursor, ErrorCode, Host, HostEvents, HostOptions, ListenOptions, OwnerReset, PublishOptions, Refused, Signal, State, Stats, Status, Value } from "../../index.js";

type Show = {
  state: { slide: readonly [number]; note: [text: string, bold?: boolean] };
  events: { bell: []; pointer: readonly [x: number, y: number] };
  signals: { hand: [boolean]; vote: [string] };
};

const room: Host<Show> = await host<Show>("/broadcasting", {
  storage: sessionStorage, signals: { vote: { count: true } }, audience: true, graceMs: 600_000,
  signal: AbortSignal.timeout(5_000), lifetime: new AbortController().signal, token: async () => "token", debug: "frames",
});
const seq: number | undefined = await room.publish("slide", [3], { state: true });
void room.publish("note", ["text"], { state: true, ephemeral: true });
void room.publish("bell", []);
void room.publish("pointer", [1, 2], { ephemeral: true, timeoutMs: Infinity });
void room.clear("slide", { timeoutMs: 1_000 });
const audience: Value<Audience | undefined, Audience> = room.audience;
const off: () => void = audience.subscribe(({ viewers, lagging }) => viewers + lagging, { once: true });
room.on("hand", ({ key, params, from }) => [key === "hand", params?.[0] === true, from]);
room.listen("signal", (signal) => signal.key === "vote" && signal.params?.[0].trim());
room.listen("reset", ({ reason }) => reason.trim());
room.listen("refused", ({ key, error }) => [key.trim(), error.code === "busy", error.comesBack]);
room.status.subscribe((status) => status.name === "resuming" && status.retryInMs?.toFixed());
const slide: readonly [number] | undefined = room.state.get("slide");
const bold: boolean | undefined = room.state.key("note").value?.[1];
const grace: number | undefined = room.graceMs;
const waiting: number = room.bufferedAmount + room.stats().attempts;
await room.close({ timeoutMs: 1_000 });
room.leave();
{
  await using held: Host<Show> = await host<Show>("/broadcasting");
  using mine = own<Show>("/broadcasting");
  void [held.id, mine.id];
}

// @ts-expect-error No such message.
void room.publish("slides", [3], { state: true });
// @ts-expect-error The parameter is a number.
void room.publish("slide", ["3"], { state: true });
// @ts-expect-error It is a value of the state.
void room.publish("slide", [3]);
// @ts-expect-error It is an event.
void room.publish("bell", [], { state: true });
// @ts-expect-error An event holds nothing.
void room.clear("bell");
// @ts-expect-error No such event of a room.
room.listen("rest", () => {});
// @ts-expect-error No such signal.
room.on("hands", () => {});
// @ts-expect-error The room is what it is.
room.id.toFixed();
// @ts-expect-error What is told is not changed.
room.status.value.name = "live";
// @ts-expect-error No such status.
void (room.status.value.name === "open");

function told(status: Status): string {
  switch (status.name) {
    case "closed":
      return `${status.code.toFixed()} ${status.reason.trim()} ${status.comesBack}`;
    case "elsewhere":
      return status.reason;
    case "connecting":
    case "resuming":
      return `${status.reason} ${status.retryInMs}`;
    default:
      return `${status.reset} ${status.how}`;
  }
}

const { cursor } = room;
const epoch: string | undefined = cursor?.epoch;
// @ts-expect-error What was read does not change.
if (cursor) cursor.seq = 1;
// @ts-expect-error The number is a number.
void host("/broadcasting", { room: "room", ownerKey: "key", cursor: { epoch: "e", seq: "1" } });
// @ts-expect-error A token is a text.
void host("/broadcasting", { token: async () => 7 });

const any = await host("/broadcasting", { room: "room", ownerKey: "key", cursor });
void any.publish("whatever", [1, "2", { three: 3 }]);
void any.publish("whatever", [1], { state: true });
any.on("whatever", ({ params }) => params?.[0]);
void join("/broadcasting", any.id);

const code: ErrorCode = new RtbError("busy").code;
type Named = [AnyMessages, Cursor, HostEvents<Show>, HostOptions, ListenOptions, OwnerReset, PublishOptions, Refused, Signal, State<{}>, Stats];

export { bold, code, epoch, grace, off, seq, slide, told, waiting };
export type { Named };
