// What the types of the entry for Solid allow and what they refuse. Compiled by `npm run check`, never run.

import { createSignal } from "solid-js";
import { createHost, createRoom, createRoomKey } from "../../solid.js";

type Show = { state: { slide: [number]; title: [text: string, size?: number] }; events: { bell: [] }; signals: { hand: [boolean] } };

const [id, setId] = createSignal<string>();
setId("room");
const { room, status, audience } = createRoom<Show>("/broadcasting", id, () => ({ pauseHidden: false }));
const slide = createRoomKey(room, "slide");
export const number: number | undefined = slide()?.[0];
export const name: string = status().name;
export const viewers: number | undefined = audience()?.viewers;
createRoomKey(room, (): "slide" | "title" => "slide");

const { room: mine, id: made } = createHost<Show>(new URL("wss://example.org/broadcasting"), { audience: true });
void mine()?.publish("slide", [3], { state: true });
export const link: string | undefined = made();
export const title: string | undefined = createRoomKey(mine, "title")()?.[0];

// @ts-expect-error No such key.
createRoomKey(room, "slides");
// @ts-expect-error An event holds nothing.
createRoomKey(room, "bell");
// @ts-expect-error The parameter is a number.
export const text: string | undefined = slide()?.[0];
// @ts-expect-error It may hold nothing.
slide()[0];
// @ts-expect-error The room is there when the component is.
room().leave();
// @ts-expect-error A viewer publishes nothing.
void room()?.publish("slide", [3]);
// @ts-expect-error An id is a text.
createRoom("/broadcasting", 3);
