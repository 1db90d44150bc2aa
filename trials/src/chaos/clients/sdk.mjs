// Any number of viewers and owners of the SDK in one process: reads one order a line, writes one event a line. Must not know
// what is done to their connections.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [sdk, websocket] = process.argv.slice(2).map((path) => pathToFileURL(path).href);
const { host, watch } = await import(sdk);
// The same client whatever Node.js has of its own.
const { WebSocket } = await import(websocket);
const owners = new Map();
const now = () => Math.round((performance.timeOrigin + performance.now()) * 1000);

let lines = [];
function tell(client, event, members) {
  lines.push(JSON.stringify({ client, at: now(), event, ...members }));
  if (lines.length === 1) setImmediate(write);
}

/** Events of one turn leave with one write. */
function write() {
  process.stdout.write(`${lines.join("\n")}\n`);
  lines = [];
}

function show(client, end) {
  let shown;
  const look = () => {
    const { name, code, reason } = end.status.value;
    if (name === shown) return;
    shown = name;
    tell(client, "status", { name, reason: code ? `${code} ${reason}` : undefined });
  };
  end.status.subscribe(look);
  look();
}

const orders = {
  watch({ client, url, room }) {
    const viewer = watch(url, room, { WebSocket, share: false });
    viewer.entered.catch(() => {});
    show(client, viewer);
    viewer.on("tick", (number, said) => tell(client, "heard", { number, said }));
    viewer.listen("reset", () => tell(client, "reset"));
  },
  async host({ client, url }) {
    try {
      const owner = await host(url, { WebSocket });
      owners.set(client, owner);
      tell(client, "opened", { room: owner.id });
      show(client, owner);
    } catch ({ code, message }) {
      tell(client, "status", { name: "closed", reason: `${code} ${message}` });
    }
  },
  async publish({ client, number, bytes }) {
    try {
      await owners.get(client).publish("tick", [number, now(), "x".repeat(bytes)]);
      tell(client, "acked", { number });
    } catch ({ code, message }) {
      tell(client, "failed", { number, code: code ?? message });
    }
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  void orders[order.do](order);
}
// Whoever has started this process is gone, or wants no more.
process.exit(0);
