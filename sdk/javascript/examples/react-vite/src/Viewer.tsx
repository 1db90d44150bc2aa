import { useState } from "react";
import { useAudience, useRoom, useRoomEvent, useRoomKey } from "rtbroadcaster/react";
import type { Show } from "./messages";

export function Viewer() {
  const { room, status } = useRoom<Show>();
  const slide = useRoomKey(room, "slide");
  const note = useRoomKey(room, "note");
  const audience = useAudience(room);
  const [rings, setRings] = useState(0);
  useRoomEvent(room, "bell", () => setRings((count) => count + 1));

  return (
    <main>
      <p>
        <output aria-label="Status">{status.name}</output>, watched by <output aria-label="Viewers">{audience?.viewers ?? 0}</output>,
        rung <output aria-label="Rings">{rings}</output> times
      </p>
      <h1 aria-label="Slide">{slide?.[0] ?? 0}</h1>
      <p aria-label="Note">{note?.[0] ?? "no note"}</p>
      <button onClick={() => void room?.signal("hand").catch((error) => console.info(error.message))}>Raise a hand</button>
    </main>
  );
}
