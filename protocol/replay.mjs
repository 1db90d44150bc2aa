// Replays conversations/*.txt against the server with an independent WebSocket implementation, the npm package `ws`.
// server.mjs documents which server that is.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Connection } from "./connection.mjs";
import { start, stop } from "./server.mjs";
import { parse, Values } from "./transcript.mjs";

const CONVERSATIONS = fileURLToPath(new URL("conversations", import.meta.url));

/** Returns the server's flags for the settings of a transcript. */
function flags(settings) {
  return settings.flatMap(({ name, value }) => [`--${name.replaceAll("_", "-")}`, value]);
}

/** Returns why this replayer cannot replay a transcript, or `undefined` if it can. */
function missing({ steps }) {
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

/** Replays one transcript against a server of its own, with the transcript's settings. */
async function replayAlone(transcript) {
  const server = await start(flags(transcript.settings));
  try {
    await replay(transcript, server.address);
  } finally {
    await stop(server);
  }
}

/** Runs one step. */
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
      const came = await connection.next(rest);
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

async function main() {
  const files = readdirSync(CONVERSATIONS).filter((file) => file.endsWith(".txt")).sort();
  if (files.length === 0) throw new Error("there is no conversation");
  const server = await start();
  console.log(`TAP version 14\n1..${files.length + 1}`);
  const counts = { replayed: 0, failed: 0, "needs the library": 0 };
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
      if (transcript.settings.length === 0) {
        await replay(transcript, server.address);
      } else {
        await replayAlone(transcript);
      }
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
