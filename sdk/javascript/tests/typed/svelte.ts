// What the types of the entry for Svelte allow and what they refuse. Compiled by `npm run check`, never run.

import { get, readable } from "svelte/store";
import { createHost, createRoom, createRoomKey } from "../../svelte.js";

type Show = { state: { slide: [number]; title: [text: string, size?: number] }; events: { bell: [] }; signals: { hand: [boolean] } };

const { room, status, audience } = createRoom<Show>("/broadcasting", readable<string | undefined>(), { pauseHidden: false });
createRoom<Show>("/broadcasting", "room");
const slide = createRoomKey(room, "slide");
export const number: number | undefined = get(slide)?.[0];
export const name: string = get(status).name;
export const viewers: number | undefined = get(audience)?.viewers;
createRoomKey(room, readable<"slide" | "title">("slide"));
export const off: () => void = slide.subscribe((params) => params?.[0].toFixed());

const { room: mine, id } = createHost<Show>("/broadcasting", () => ({ storage: sessionStorage }));
void get(mine)?.publish("slide", [3], { state: true });
export const link: string | undefined = get(id);
export const title: string | undefined = get(createRoomKey(mine, "title"))?.[0];

// @ts-expect-error No such key.
createRoomKey(room, "slides");
// @ts-expect-error An event holds nothing.
createRoomKey(room, "bell");
// @ts-expect-error The parameter is a number.
export const text: string | undefined = get(slide)?.[0];
// @ts-expect-error It may hold nothing.
get(slide)[0];
// @ts-expect-error What is read is not set.
slide.set([3]);
// @ts-expect-error The room is there when something is subscribed.
get(room).leave();
// @ts-expect-error A viewer publishes nothing.
void get(room)?.publish("slide", [3]);
// @ts-expect-error An id is a text.
createRoom("/broadcasting", 3);
