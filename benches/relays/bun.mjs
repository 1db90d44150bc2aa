// A relay with Bun's own server: what one connection says goes to all others that follow the topic.
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("a WebSocket only", { status: 426 })),
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    sendPings: false,
    open: (client) => client.subscribe("all"),
    message: (speaker, message) => speaker.publish("all", message),
  },
});

console.log(`listening on ws://127.0.0.1:${server.port}/`);
