// One page for both roles: it presents, and with `?room=` it watches.

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RoomProvider } from "rtbroadcaster/react";
import { Failures } from "./Failures";
import { Presenter } from "./Presenter";
import { Viewer } from "./Viewer";

const room = new URLSearchParams(location.search).get("room");

// Errors that the boundary shows need not be in the console.
createRoot(document.getElementById("app")!, { onCaughtError() {} }).render(
  <StrictMode>
    <Failures>
      <RoomProvider url="/broadcasting" id={room} options={{ throwOnError: true }}>
        {room ? <Viewer /> : <Presenter />}
      </RoomProvider>
    </Failures>
  </StrictMode>,
);
