// Starts the server for a test and stops it as an operator would. Must not know what is tested.
// RTBROADCASTER_BIN names the server to start; without it the workspace's own is built.

import { spawn, spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { within } from "./deadline.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Returns the path of the server's binary. */
function binary() {
  if (process.env.RTBROADCASTER_BIN) return process.env.RTBROADCASTER_BIN;
  const build = spawnSync("cargo", ["build", "-p", "rtbroadcaster-server"], { cwd: ROOT, stdio: "inherit" });
  if (build.status !== 0) throw new Error("`cargo build -p rtbroadcaster-server` failed");
  return resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target", "debug", "rtbroadcaster");
}

/** Starts the server on a free port, and returns it once it has printed its address. Throws if it ends before, or does not in time. */
export async function start(extraArguments = []) {
  // A test opens more connections from one address than the default limit allows.
  const env = { ...process.env, RTB_HANDSHAKES_PER_ADDRESS_PER_SECOND: "none" };
  const child = spawn(binary(), ["--listen", "127.0.0.1:0", ...extraArguments], { env, stdio: ["ignore", "pipe", "pipe"] });
  const said = [];
  const ended = new Promise((tell) => {
    child.once("error", (error) => tell(`could not start: ${error.message}`));
    child.once("exit", (code, signal) => tell(code ?? signal));
  });
  const ready = new Promise((tell, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        said.push(line);
        const found = /ws:\/\/127\.0\.0\.1:\d+\/broadcasting/.exec(line);
        if (found) tell(found[0]);
      });
    }
    ended.then((how) => reject(new Error(`the server ended before it told its address: ${how}`)));
  });
  const server = { child, said, ended, address: "" };
  try {
    server.address = await within(ready, "starting the server");
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error([error.message, ...said].join("\n# server: "));
  }
  return server;
}

/** Stops the server as an operator would. Throws if it does not exit with 0 in time. */
export async function stop(server) {
  server.child.kill("SIGTERM");
  try {
    const how = await within(server.ended, "stopping the server");
    if (how !== 0) throw new Error(`the server ended with ${how} after SIGTERM, not with 0`);
  } catch (error) {
    server.child.kill("SIGKILL");
    throw new Error([error.message, ...server.said].join("\n# server: "));
  }
}
