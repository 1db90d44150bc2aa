// What the types of an owner allow and what they refuse. Compiled by `npm run check`, never run.

import { host, join } from "../../index.js";

type Show = { slide: [number]; note: [text: string, bold?: boolean] };

const room = await host<Show>("/broadcasting", { storage: sessionStorage, signals: { vote: { count: true } }, audience: true, graceMs: 600_000 });
const seq: number | undefined = await room.publish("slide", [3], { state: true });
void room.publish("note", ["text"], { ephemeral: true });
void room.clear("slide", { timeoutMs: 1_000 });
const off: () => void = room.on("audience", ({ viewers, lagging }) => viewers + lagging);
room.on("hand", ({ key, params, from }) => [key, params, from]);
room.on("reset", ({ reason }) => reason.trim());
room.on("status", ({ name }) => name === "resuming");
const slide: [number] | undefined = room.state.get("slide");
const grace: number | undefined = room.graceMs;
await room.close({ timeoutMs: 1_000 });
room.leave();

// @ts-expect-error No such message.
void room.publish("slides", [3]);
// @ts-expect-error The parameter is a number.
void room.publish("slide", ["3"]);
// @ts-expect-error The room is what it is.
room.id.toFixed();

const { cursor } = room;
const epoch: string | undefined = cursor?.epoch;
// @ts-expect-error What was read does not change.
if (cursor) cursor.seq = 1;
// @ts-expect-error The number is a number.
void host("/broadcasting", { room: "room", ownerKey: "key", cursor: { epoch: "e", seq: "1" } });

const any = await host("/broadcasting", { room: "room", ownerKey: "key", cursor });
void any.publish("whatever", [1, "2", { three: 3 }]);
void join("/broadcasting", any.id);

export { epoch, grace, off, seq, slide };
