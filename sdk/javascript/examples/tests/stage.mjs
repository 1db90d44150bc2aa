// Installs, builds and serves a copy of an example, and shows it in a browser. Must not know what the example does.

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

/** The timeout of a condition, in milliseconds: longer than the longest delay before a client reconnects. */
export const DEADLINE_MS = 20_000;

/** The timeout of each command: a registry may be slow. */
const COMMAND_MS = 120_000;

/** The browser to start. */
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** No sandbox, since root has none, and no requests of the browser itself. */
const CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];

const EXAMPLES = fileURLToPath(new URL("..", import.meta.url));

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** The folders that are not copied. */
const MADE = ["node_modules", "dist"];

/** The package, a built example, a server, a browser, and the pages' errors. */
export class Stage {
  /** The pages' errors, warnings, and requests to other hosts. */
  wrongs = [];
  /** The connections to the server, each with the sockets of its two ends. */
  #connections = new Set();
  /** The number of WebSockets that the pages have opened. */
  connected = 0;

  /** Installs and builds a copy of `sdk/javascript/examples/NAME`, and starts a server and a browser. */
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

  /** Builds the package, and the example with it. Both have the same relative paths as in the sources, which the example depends on. */
  async #build(name) {
    const example = join(this.folder, "sdk/javascript/examples", name);
    await buildPackage(join(this.folder, "target/npm"));
    cpSync(join(EXAMPLES, name), example, { recursive: true, filter: (path) => !MADE.includes(basename(path)) });
    await runs("npm", ["ci", "--no-audit", "--no-fund", "--prefer-offline"], example);
    await runs("npm", ["run", "build"], example);
    this.built = join(example, "dist");
  }

  /** Serves the built example, and passes WebSockets on to the server, as a reverse proxy does. */
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

  /** The number of connections to the server. */
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

/** Waits until a condition is true. */
export async function until(is, what) {
  const end = performance.now() + DEADLINE_MS;
  while (!(await is())) {
    if (performance.now() > end) throw new Error(`${what}: not so in ${DEADLINE_MS} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Runs a command in a folder. Throws if it fails. */
async function runs(program, parameters, cwd) {
  const child = spawn(program, parameters, { cwd, stdio: ["ignore", "pipe", "pipe"], timeout: COMMAND_MS });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (said += bytes));
  const code = await new Promise((resolve) => child.once("error", resolve).once("close", resolve));
  if (code !== 0) throw new Error(`${program} ${parameters.join(" ")}: ${code}\n${said}`);
}
