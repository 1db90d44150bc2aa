// What the types of the React entry allow and what they refuse. Compiled by `npm run check`, never run.

import { createElement } from "react";
import { host, join, type RtbError, type Status, type Viewer } from "../../index.js";
import { RoomProvider, useAudience, useHost, useRoom, useRoomEvent, useRoomKey, useStatus } from "../../react.js";

type Show = {
  state: { slide: readonly [number]; note: [text: string, bold?: boolean] };
  events: { bell: []; pointer: [x: number, y: number] };
  signals: { hand: []; vote: [answer: string] };
};

export function Slide(): string {
  const { room, status, error, retry } = useRoom<Show>("/broadcasting", "room", { pauseHidden: false, throwOnError: true });
  const typed: Viewer<Show> | undefined = room;
  const slide: readonly [number] | undefined = useRoomKey(room, "slide");
  // @ts-expect-error No such key.
  useRoomKey(room, "slides");
  // @ts-expect-error An event has no value.
  useRoomKey(room, "bell");
  // @ts-expect-error The parameter is a number.
  const text: readonly [string] | undefined = useRoomKey(room, "slide");
  useRoomEvent(room, "pointer", (x, y) => x + y);
  useRoomEvent(room, "slide", (number) => number.toFixed());
  // @ts-expect-error The parameters are numbers.
  useRoomEvent(room, "pointer", (x: string) => x);
  // @ts-expect-error No such key.
  useRoomEvent(room, "pointers", () => {});
  const viewers: number | undefined = useAudience(room)?.viewers;
  // @ts-expect-error Only an owner is told how many are behind.
  useAudience(room)?.lagging;
  const where: Status = useStatus(room);
  // @ts-expect-error There is no such status.
  where.name === "open";
  void room?.signal("hand");
  // @ts-expect-error The room may not be there yet.
  room.leave();
  const failure: RtbError | undefined = error;
  retry();
  return `${status.name} ${slide?.[0].toFixed()} ${text} ${viewers} ${failure?.code} ${typed?.id}`;
}

export function Inside(): unknown[] {
  const { room } = useRoom<Show>("room");
  const { room: optional } = useRoom<Show>("room", { share: "tabs", throwOnError: (error) => error.code !== "room_closed" });
  const { room: given } = useRoom<Show>();
  const { room: none } = useRoom<Show>(new URL("wss://example.org/"), undefined);
  // @ts-expect-error The room is a text.
  useRoom(1);
  // @ts-expect-error No such option.
  useRoom("room", { shared: true });
  // @ts-expect-error A boolean, or a function that says for which.
  useRoom("room", { throwOnError: "yes" });
  return [useRoomKey(room, "note"), useRoomKey(optional, "slide"), useRoomKey(given, "note"), none?.id];
}

export function Presenter(): number | undefined {
  const { room, retry } = useHost<Show>("/broadcasting", { storage: () => sessionStorage, audience: true });
  useRoomEvent(room, "vote", ({ params, from }) => [params?.[0].trim(), from?.toFixed()]);
  // @ts-expect-error Viewers say no such thing.
  useRoomEvent(room, "votes", () => {});
  // @ts-expect-error An owner hears signals, and no events.
  useRoomEvent(room, "bell", () => {});
  void room?.publish("slide", [1], { state: true });
  // @ts-expect-error The parameter is a number.
  void room?.publish("slide", ["1"], { state: true });
  // @ts-expect-error There is no such option.
  useHost<Show>("/broadcasting", { grace: 1 });
  retry();
  return useRoomKey(room, "slide")?.[0] ?? useAudience(room)?.lagging;
}

const owner = await host<Show>("/broadcasting");
const viewer = await join<Show>("/broadcasting", "room");
export const Given = (): unknown[] => [useRoomKey(owner, "slide")?.[0].toFixed(), useRoomKey(viewer, "note")?.[0].trim(), useStatus(owner).name];

export function Any(): unknown {
  const { room } = useRoom("/broadcasting", "room");
  useRoomEvent(room, "whatever", (first, second) => [first, second]);
  return useRoomKey(room, "whatever")?.[0];
}

createElement(RoomProvider, { url: "/broadcasting", id: "room", options: { token: "t", throwOnError: true } }, "below");
// @ts-expect-error The address is a text or a URL.
createElement(RoomProvider, { url: 1 });
