// The server and the browser of the browser tests. Must not know what is tested.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start, stop } from "../../../../protocol/server.mjs";
import { launch, launchReal } from "./browsers.mjs";

/** What the server is started with besides its address. */
export const SERVER_ARGUMENTS = ["--log", "info,rtbroadcaster=debug"];

/** Without heartbeats a grace may be this short; a test that needs heartbeats has its own. */
const TIMES = ["--ping-interval", "none", "--owner-grace", "5s"];

/** How long a condition may take at most, in milliseconds: longer than the owner's grace, and than a busy machine. */
export const DEADLINE_MS = 20_000;

/** What Firefox says by itself about a page that is left with a connection. */
const INTERRUPTED = /^(Error: )?The connection to \S+ was interrupted while the page was loading/;

/** Roles that somebody operates or that stand for a picture: a screen reader has to name them. */
const NAMED_ROLES = ["button", "link", "slider", "textbox", "image", "img"];

/** A server, a browser, and the pages' misbehaviour. */
export class Stand {
  /** What pages did that none should: errors, and requests that leave the host. */
  wrongs = [];

  static async begin(extraArguments = [], times = TIMES, name = "chromium") {
    return this.#start(extraArguments, times, async (folder) => {
      const browser = await launch(name, folder);
      const open = async (options) => (await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })).newPage();
      return { browser, open, end: () => browser.close() };
    });
  }

  /** The same in a browser that hides pages and keeps left ones as a person's does. All windows are in one context there. */
  static beginReal(extraArguments, times, name) {
    return this.#start(extraArguments, times, (folder) => launchReal(name, folder));
  }

  static async #start(extraArguments, times, begin) {
    const stand = new Stand();
    stand.server = await start([...SERVER_ARGUMENTS, ...times, ...extraArguments]);
    stand.origin = stand.server.address.replace("ws:", "http:").replace("/broadcasting", "");
    stand.folder = mkdtempSync(join(tmpdir(), "rtbroadcaster-"));
    try {
      stand.begun = await begin(stand.folder);
      stand.browser = stand.begun.browser;
    } catch (error) {
      await stop(stand.server);
      throw error;
    }
    return stand;
  }

  async end() {
    await this.begun.end();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
    await stop(this.server);
  }

  /** Opens a path of the server in a window of its own. */
  async window(path, options = {}) {
    const page = await this.begun.open(options);
    page.context().setDefaultTimeout(DEADLINE_MS);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.wrongs.push(`${path}: ${message.text()}`);
    });
    page.on("pageerror", (error) => INTERRUPTED.test(String(error)) || this.wrongs.push(`${path}: ${error}`));
    page.on("request", (request) => {
      if (new URL(request.url()).host !== new URL(this.origin).host) this.wrongs.push(`${path}: asked ${request.url()}`);
    });
    await page.goto(this.origin + path);
    return page;
  }

  /** Opens a window that has the SDK of an origin as `sdk`, and nothing else. */
  async blank(origin) {
    const page = await this.begun.open();
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

/** The tabs that were opened over pages. */
const covers = new WeakMap();

/** Hides a page behind another tab of its window. Returns when it is hidden; the answer shows it again, and returns when it was shown. */
export async function cover(page) {
  if (!covers.has(page)) {
    const opened = page.context().waitForEvent("page");
    await page.evaluate(() => void open("/page/icons.svg", "_blank", "noopener"));
    const over = await opened;
    covers.set(page, over);
    page.once("close", () => over.close());
  }
  await covers.get(page).bringToFront();
  await page.waitForFunction(() => document.hidden, null, { polling: 50 });
  return async () => {
    await page.evaluate(() => {
      globalThis.shown = new Promise((tell) => document.addEventListener("visibilitychange", () => tell(Date.now()), { once: true, capture: true }));
    });
    await page.bringToFront();
    return page.evaluate(() => globalThis.shown);
  };
}

/** How windows agree who owns a room, and the script that a page needs first for that. */
export const WAYS = {
  "with locks": "",
  // As in a page of plain http on an address of the network.
  "with a channel": "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })",
};

/** Makes a window a copy of a presenter's, as a browser does when a tab is duplicated: with its session storage. */
export async function duplicate(page, second, origin) {
  const kept = await page.evaluate(() => Object.entries(sessionStorage));
  await second.goto(`${origin}/page/icon.svg`);
  await second.evaluate((all) => all.forEach(([name, value]) => sessionStorage.setItem(name, value)), kept);
  await second.goto(origin);
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
