// The server and the browser of the browser tests. Must not know what is tested.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { start, stop } from "../../../../protocol/server.mjs";

/** What the server is started with besides its address. */
export const SERVER_ARGUMENTS = ["--log", "info,rtbroadcaster=debug"];

/** Without heartbeats a grace may be this short; a test that needs heartbeats has its own. */
const TIMES = ["--ping-interval", "0", "--owner-grace", "5s"];

/** How long a condition may take at most, in milliseconds: longer than the owner's grace, and than a busy machine. */
export const DEADLINE_MS = 20_000;

/** The browser to start. */
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Without the sandbox, since root has none; and without anything a browser does on its own behalf. */
const CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];

/** Roles that somebody operates or that stand for a picture: a screen reader has to name them. */
const NAMED_ROLES = ["button", "link", "slider", "textbox", "image", "img"];

/** A server, a browser, and the pages' misbehaviour. */
export class Stand {
  /** What pages did that none should: errors, and requests that leave the host. */
  wrongs = [];

  static async begin(extraArguments = [], times = TIMES) {
    const stand = new Stand();
    stand.server = await start([...SERVER_ARGUMENTS, ...times, ...extraArguments]);
    stand.origin = stand.server.address.replace("ws:", "http:").replace("/broadcasting", "");
    stand.folder = mkdtempSync(join(tmpdir(), "rtbroadcaster-"));
    try {
      stand.browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGUMENTS, env: { ...process.env, HOME: stand.folder } });
    } catch (error) {
      await stop(stand.server);
      throw new Error(`${CHROMIUM} cannot be started; CHROMIUM names another: ${error.message}`);
    }
    return stand;
  }

  async end() {
    await this.browser.close();
    rmSync(this.folder, { recursive: true, force: true });
    await stop(this.server);
  }

  /** Opens a path of the server in a window of its own. */
  async window(path, options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(DEADLINE_MS);
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.wrongs.push(`${path}: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.wrongs.push(`${path}: ${error}`));
    page.on("request", (request) => {
      if (new URL(request.url()).host !== new URL(this.origin).host) this.wrongs.push(`${path}: asked ${request.url()}`);
    });
    await page.goto(this.origin + path);
    return page;
  }

  /** Opens a window that has the SDK of an origin as `sdk`, and nothing else. */
  async blank(origin) {
    const context = await this.browser.newContext();
    const page = await context.newPage();
    await page.goto(`${origin}/page/icon.svg`);
    await load(page);
    return page;
  }

  /** Opens a window that presents, and tells the path of its viewers' link. */
  async presenter(options) {
    return this.#begin("/", "Start a room", "Link for viewers", options);
  }

  /** Opens a window that asks, and tells the path of its pupils' link. */
  async asker(options) {
    return this.#begin("/poll", "Start a poll", "Link for pupils", options);
  }

  async #begin(path, start, label, options) {
    const page = await this.window(path, options);
    await page.getByRole("button", { name: start }).click();
    await page.locator("#room").waitFor();
    const link = new URL(await page.getByLabel(label).inputValue());
    return { page, path: link.pathname + link.search };
  }
}

/** Gives a window the SDK as `sdk`. */
export const load = (page) => page.evaluate(async () => void (globalThis.sdk = await import("/sdk/index.js")));

/** Every control and picture without a name. */
export async function nameless(page) {
  const devtools = await page.context().newCDPSession(page);
  const { nodes } = await devtools.send("Accessibility.getFullAXTree");
  const looked = nodes.filter((node) => !node.ignored && NAMED_ROLES.includes(node.role?.value));
  if (looked.length === 0) throw new Error("a tree without controls proves nothing");
  return looked.filter((node) => !node.name?.value?.trim()).map((node) => node.role.value);
}
