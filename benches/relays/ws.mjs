// A relay with the npm package `ws`: what one connection says goes to all others.
import { WebSocket, WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate: false });

server.on("listening", () => console.log(`listening on ws://127.0.0.1:${server.address().port}/`));
server.on("connection", (speaker) => {
  speaker.on("error", () => speaker.terminate());
  speaker.on("message", (message, isBinary) => {
    for (const client of server.clients) {
      if (client !== speaker && client.readyState === WebSocket.OPEN) client.send(message, { binary: isBinary });
    }
  });
});
