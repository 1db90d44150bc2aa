// Replays conversations/*.txt against the server with an independent WebSocket implementation, the npm package `ws`.
// RTBROADCASTER_BIN names the server to start; without it the workspace's own is built.

import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Connection, within } from "./connection.mjs";
import { parse, Values } from "./transcript.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const CONVERSATIONS = join(ROOT, "protocol", "conversations");

/** The path of the server's binary. */
function binary() {
  if (process.env.RTBROADCASTER_BIN) return process.env.RTBROADCASTER_BIN;
  const build = spawnSync("cargo", ["build", "-p", "rtbroadcaster-server"], { cwd: ROOT, stdio: "inherit" });
  if (build.status !== 0) throw new Error("`cargo build -p rtbroadcaster-server` failed");
  return resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target", "debug", "rtbroadcaster");
}

/** Starts the server on a free port and waits for the line that tells its address. */
async function start() {
  // All these connections come from one address faster than any guest would.
  const env = { ...process.env, RTB_HANDSHAKES_PER_ADDRESS_PER_SECOND: "0" };
  const child = spawn(binary(), ["--listen", "127.0.0.1:0"], { env, stdio: ["ignore", "pipe", "pipe"] });
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

/** Why this replayer cannot replay a transcript, if so. */
function missing({ settings, steps }) {
  if (settings.length > 0) return "needs the library's configuration";
  if (steps.some((step) => step.name === "rust")) return "needs the library";
  return undefined;
}

/** Replays one transcript. Throws an error that names the line. */
async function replay(transcript, address) {
  const values = new Values();
  const open = new Map();
  try {
    for (const step of transcript.steps) {
      try {
        await take(step, address, values, open);
      } catch (error) {
        throw new Error(`line ${step.line}, \`${step.name} ${step.verb}\`: ${error.message}`);
      }
    }
    for (const [name, connection] of open) {
      try {
        await expectNothing(connection);
      } catch (error) {
        throw new Error(`at the end, \`${name} .\`: ${error.message}`);
      }
    }
  } finally {
    for (const connection of open.values()) connection.drop();
  }
}

/** Takes one step. */
async function take({ name, verb, rest }, address, values, open) {
  if (verb === "+") {
    if (open.has(name)) throw new Error(`${name} is open already`);
    open.set(name, await Connection.open(address, rest));
    return;
  }
  const connection = open.get(name);
  if (!connection) throw new Error(`${name} is not open`);
  switch (verb) {
    case ">": return connection.sendText(values.fill(rest));
    case "b>": return connection.sendBinary(bytes(rest));
    case "!>": return connection.sendRaw(bytes(rest));
    case ".": return expectNothing(connection);
    case "<": {
      const came = await connection.next();
      if (came.kind === "text" && values.matches(rest, came.text)) return;
      throw new Error(`expected ${rest}\n#   but came ${JSON.stringify(came)}`);
    }
    case "x": {
      const [code, reason] = rest.split(" ");
      open.delete(name);
      return expectClose(connection, Number(code), reason);
    }
    case "-":
      connection.close();
      open.delete(name);
      return expectClose(connection, 1000);
    case "!":
      open.delete(name);
      return connection.drop();
  }
}

async function expectNothing(connection) {
  const sent = connection.ping();
  const came = await connection.next();
  if (came.kind !== "pong" || came.bytes !== sent) throw new Error(`expected only the pong but came ${JSON.stringify(came)}`);
}

async function expectClose(connection, code, reason) {
  let came;
  try {
    came = await connection.next();
  } finally {
    connection.drop();
  }
  const isExpected = came.kind === "close" && came.code === code && (reason === undefined || came.reason === reason);
  if (!isExpected) throw new Error(`expected the close ${code} ${reason ?? ""} but came ${JSON.stringify(came)}`);
}

const bytes = (hex) => Buffer.from(hex.replaceAll(" ", ""), "hex");

/** Stops the server as an operator would. Throws if it does not leave cleanly and in time. */
async function stop(server) {
  server.child.kill("SIGTERM");
  try {
    const how = await within(server.ended, "stopping the server");
    if (how !== 0) throw new Error(`the server ended with ${how} after SIGTERM, not with 0`);
  } catch (error) {
    server.child.kill("SIGKILL");
    throw new Error([error.message, ...server.said].join("\n# server: "));
  }
}

async function main() {
  const files = readdirSync(CONVERSATIONS).filter((file) => file.endsWith(".txt")).sort();
  if (files.length === 0) throw new Error("there is no conversation");
  const server = await start();
  console.log(`TAP version 14\n1..${files.length + 1}`);
  const counts = { replayed: 0, failed: 0, "needs the library's configuration": 0, "needs the library": 0 };
  for (const [index, file] of files.entries()) {
    let title = file;
    try {
      const transcript = parse(readFileSync(join(CONVERSATIONS, file), "utf8"));
      title = `${file}: ${transcript.title}`;
      const why = missing(transcript);
      if (why) {
        counts[why] += 1;
        console.log(`ok ${index + 1} - ${title} # SKIP ${why}`);
        continue;
      }
      await replay(transcript, server.address);
      counts.replayed += 1;
      console.log(`ok ${index + 1} - ${title}`);
    } catch (error) {
      counts.failed += 1;
      console.log(`not ok ${index + 1} - ${title}\n# ${error.message}`);
    }
  }
  try {
    await stop(server);
    console.log(`ok ${files.length + 1} - the server leaves with 0 after SIGTERM`);
  } catch (error) {
    counts.failed += 1;
    console.log(`not ok ${files.length + 1} - the server leaves with 0 after SIGTERM\n# ${error.message}`);
  }
  console.log(`# ${Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(", ")}`);
  process.exitCode = counts.failed === 0 ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.log(`Bail out! ${error.message}`);
  process.exitCode = 1;
}
