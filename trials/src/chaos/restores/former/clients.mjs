// An owner or a viewer of an SDK that is given by its path: reads and writes the lines that `rtbroadcaster publish` and
// `rtbroadcaster watch` do. Must not know which version it is.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [sdk, role, url, room] = process.argv.slice(2);
const { host, join } = await import(pathToFileURL(sdk).href);
const tell = (line) => console.log(JSON.stringify(line));

if (role === "host") {
  const owner = await host(url);
  tell({ type: "created", room: owner.id });
  for await (const line of createInterface({ input: process.stdin })) {
    const { key, params, state, clear } = JSON.parse(line);
    const options = { timeoutMs: 60_000 };
    const said = clear ? owner.clear(key, options) : owner.publish(key, params, { state, ...options });
    said.then(
      (seq) => tell({ type: "ack", seq }),
      ({ code, message }) => tell({ type: "error", code, message }),
    );
  }
} else {
  const viewer = await join(url, room);
  const show = () => tell({ type: "state", state: Object.fromEntries(viewer.state.getSnapshot()) });
  viewer.on("state", show);
  show();
}
