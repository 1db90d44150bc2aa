import { useState } from "react";
import { useAudience, useHost, useRoomEvent, useRoomKey } from "rtbroadcaster/react";
import type { Show } from "./messages";

export function Presenter() {
  // With the storage, a page is the owner again after a reload.
  const { room, status, error, retry } = useHost<Show>(undefined, { storage: () => sessionStorage, audience: true });
  const [slide] = useRoomKey(room, "slide") ?? [0];
  const audience = useAudience(room);
  const [hands, setHands] = useState(0);
  useRoomEvent(room, "hand", () => setHands((count) => count + 1));

  if (error) return <button onClick={retry}>{error.message} Begin another room</button>;
  return (
    <main>
      <p>
        <output aria-label="Status">{status.name}</output>, watched by <output aria-label="Viewers">{audience?.viewers ?? 0}</output>,
        hands: <output aria-label="Hands">{hands}</output>
      </p>
      <h1 aria-label="Slide">{slide}</h1>
      <button onClick={() => room?.publish("slide", [slide + 1], { state: true })}>Next</button>
      <button onClick={() => room?.clear("note")}>Clear the note</button>
      <button onClick={() => room?.publish("bell", [])}>Ring</button>
      <button onClick={() => room?.close()}>End</button>
      <label>
        Note <input onChange={({ target }) => room?.publish("note", [target.value], { state: true })} />
      </label>
      {room?.id && <a href={`?room=${room.id}`}>Link for viewers</a>}
    </main>
  );
}
