// An example as somebody has it who copied it: installed, built, served beside a server, and shown in a browser. Must not know
// what the example does.

import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { start, stop } from "../../../../protocol/server.mjs";
import { buildPackage } from "../../build.mjs";

/** How long a condition may take at most, in milliseconds: longer than a client waits before it comes back. */
export const DEADLINE_MS = 20_000;

/** How long each command may take: a registry may be slow. */
const COMMAND_MS = 120_000;

/** The browser to start. */
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Without the sandbox, since root has none; and without anything a browser does on its own behalf. */
const CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];

const EXAMPLES = fileURLToPath(new URL("..", import.meta.url));

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** What belongs to nobody who copies an example. */
const MADE = ["node_modules", "dist"];

/** The package, a built example, a server, a browser, and the pages' misbehaviour. */
export class Stage {
  /** What pages did that none should: errors, warnings, and requests that leave the host. */
  wrongs = [];
  /** The connections to the server: each has the sockets of its two ends. */
  #connections = new Set();
  /** What the pages' WebSockets asked for so far. */
  connected = 0;

  /** Installs and builds `sdk/javascript/examples/NAME` away from the sources, and shows nothing yet. */
  static async begin(name) {
    const stage = new Stage();
    stage.folder = mkdtempSync(join(tmpdir(), "rtbroadcaster-"));
    try {
      await stage.#build(name);
      stage.server = await start();
      await stage.#serve();
      const env = { ...process.env, HOME: stage.folder };
      stage.browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGUMENTS, env });
    } catch (error) {
      await stage.end();
      throw error;
    }
    return stage;
  }

  async end() {
    await this.browser?.close();
    this.cut();
    await new Promise((resolve) => (this.site ? this.site.close(resolve) : resolve()));
    if (this.server) await stop(this.server);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Builds the package, and the example with it. Folders have the same places as in the sources, since an example names its package by one. */
  async #build(name) {
    const example = join(this.folder, "sdk/javascript/examples", name);
    await buildPackage(join(this.folder, "target/npm"));
    cpSync(join(EXAMPLES, name), example, { recursive: true, filter: (path) => !MADE.includes(basename(path)) });
    await runs("npm", ["ci", "--no-audit", "--no-fund", "--prefer-offline"], example);
    await runs("npm", ["run", "build"], example);
    this.built = join(example, "dist");
  }

  /** Serves the built example, and passes WebSockets on to the server, as a proxy before both does. */
  async #serve() {
    this.site = createServer(async ({ url }, answer) => {
      const { pathname } = new URL(url, "http://localhost");
      const file = pathname.endsWith("/") ? "index.html" : pathname.slice(1);
      try {
        const content = await readFile(join(this.built, file));
        answer.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream").end(content);
      } catch {
        answer.writeHead(404).end();
      }
    });
    this.site.on("upgrade", (request, near, head) => this.#pass(request, near, head));
    await new Promise((resolve) => this.site.listen(0, "127.0.0.1", resolve));
    this.origin = `http://127.0.0.1:${this.site.address().port}`;
  }

  #pass({ url, rawHeaders }, near, head) {
    this.connected += 1;
    const { hostname, port } = new URL(this.server.address);
    const far = connect(Number(port), hostname);
    const lines = rawHeaders.flatMap((name, at) => (at % 2 ? [] : [`${name}: ${rawHeaders[at + 1]}`]));
    far.write(`GET ${url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    far.write(head);
    near.pipe(far).pipe(near);
    const both = [near, far];
    this.#connections.add(both);
    for (const socket of both) {
      socket.on("error", () => {});
      socket.once("close", () => {
        for (const other of both) other.destroy();
        this.#connections.delete(both);
      });
    }
  }

  /** How many connections to the server there are. */
  get connections() {
    return this.#connections.size;
  }

  /** Cuts all connections to the server, without a close frame. */
  cut() {
    for (const [near] of this.#connections) near.destroy();
  }

  /** Opens a path of the example, or an address of it, in a window of its own. */
  async window(path = "/") {
    const context = await this.browser.newContext();
    context.setDefaultTimeout(DEADLINE_MS);
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.wrongs.push(`${path}: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.wrongs.push(`${path}: ${error}`));
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== this.origin) this.wrongs.push(`${path}: asked ${request.url()}`);
    });
    await page.goto(new URL(path, this.origin).href);
    return page;
  }
}

/** Waits until something is so. */
export async function until(is, what) {
  const end = performance.now() + DEADLINE_MS;
  while (!(await is())) {
    if (performance.now() > end) throw new Error(`${what}: not so in ${DEADLINE_MS} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Runs a command in a folder to its end, which must be a good one. */
async function runs(program, parameters, cwd) {
  const child = spawn(program, parameters, { cwd, stdio: ["ignore", "pipe", "pipe"], timeout: COMMAND_MS });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (said += bytes));
  const code = await new Promise((resolve) => child.once("error", resolve).once("close", resolve));
  if (code !== 0) throw new Error(`${program} ${parameters.join(" ")}: ${code}\n${said}`);
}
