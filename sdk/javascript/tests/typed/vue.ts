// What the types of the entry for Vue allow and what they refuse. Compiled by `npm run check`, never run.

import { ref } from "vue";
import { useHost, useRoom, useRoomKey } from "../../vue.js";

type Show = { state: { slide: [number]; title: [text: string, size?: number] }; events: { bell: [] }; signals: { hand: [boolean] } };

const id = ref<string | undefined>();
const { room, status, audience } = useRoom<Show>(() => new URL("wss://example.org/broadcasting"), id, () => ({ pauseHidden: false }));
const slide = useRoomKey(room, "slide");
export const number: number | undefined = slide.value?.[0];
export const name: "live" | "closed" | undefined = status.value.name === "live" || status.value.name === "closed" ? status.value.name : undefined;
export const viewers: number | undefined = audience.value?.viewers;
useRoomKey(() => room.value, ref<"slide" | "title">("slide")).value?.[0];
void room.value?.signal("hand", [true]);

const { room: mine, id: made } = useHost<Show>("/broadcasting", { storage: sessionStorage, audience: true });
void mine.value?.publish("slide", [3], { state: true });
export const link: string | undefined = made.value;
export const title: string | undefined = useRoomKey(mine, "title").value?.[0];

// @ts-expect-error No such key.
useRoomKey(room, "slides");
// @ts-expect-error An event holds nothing.
useRoomKey(room, "bell");
// @ts-expect-error The parameter is a number.
export const text: string | undefined = slide.value?.[0];
// @ts-expect-error It may hold nothing.
slide.value[0];
// @ts-expect-error What is read is not set.
slide.value = [3];
// @ts-expect-error The room is there when the component is.
room.value.leave();
// @ts-expect-error A viewer publishes nothing.
void room.value?.publish("slide", [3]);
// @ts-expect-error No such status.
export const isOpen = status.value.name === "open";
// @ts-expect-error An id is a text.
useRoom("/broadcasting", 3);
