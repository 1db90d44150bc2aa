// What the types of the React entry allow and what they refuse. Compiled by `npm run check`, never run.

import { host } from "../../index.js";
import { useRoom, useRoomKey } from "../../react.js";

type Show = { slide: [number] };

export function Slide(): string {
  const { room, status } = useRoom<Show>("/broadcasting", "room", { pauseHidden: false });
  const slide: [number] | undefined = useRoomKey(room, "slide");
  // @ts-expect-error No such key.
  useRoomKey(room, "slides");
  room?.signal("hand");
  return `${status.name} ${slide?.[0].toFixed()}`;
}

const owner = await host<Show>("/broadcasting");
export function Presenter(): number | undefined {
  return useRoomKey(owner, "slide")?.[0];
}
