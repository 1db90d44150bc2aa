// Starts the browsers of the browser tests, which one library drives. Must not know what is tested.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium, firefox } from "playwright-core";

/** The names of the browsers, or of those that RTBROADCASTER_BROWSERS lists. */
export const BROWSERS = process.env.RTBROADCASTER_BROWSERS?.split(",") ?? ["chromium", "firefox"];

/** Without the sandbox, since root has none; and without anything a browser does on its own behalf. */
const CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];

const PATHS = { chromium: process.env.CHROMIUM ?? "/usr/bin/chromium", firefox: process.env.FIREFOX ?? "/usr/bin/firefox-esr" };

/** Starts a browser whose home is a folder of its own. Its pages are all shown, and never kept for the way back. */
export function launch(name, home) {
  const options = { executablePath: PATHS[name], env: { ...process.env, HOME: home } };
  return told(name, name === "firefox" ? gecko(options) : chromium.launch({ ...options, args: CHROMIUM_ARGUMENTS }));
}

/**
 * Starts a browser that treats its pages as a person's: a tab behind another one is hidden, and a page that is left may be kept for the
 * way back. Returns it with its only context, what opens a window in that, and its end.
 */
export const launchReal = (name, home) => told(name, name === "firefox" ? realFirefox(home) : realChromium(home));

/** Any Firefox that is installed, by WebDriver BiDi. The library's version is the newest one that Firefox 153 ESR understands. */
const gecko = (options) => firefox.launch({ ...options, channel: "moz-firefox" });

async function realFirefox(home) {
  const options = { executablePath: PATHS.firefox, env: { ...process.env, HOME: home } };
  const browser = await gecko({ ...options, firefoxUserPrefs: { "layout.testing.top-level-always-active": false } });
  const context = await browser.newContext();
  return { browser, context, open: () => context.newPage(), end: () => browser.close() };
}

/** The library changes what Chromium does with pages, unless it comes to one that runs already. */
async function realChromium(home) {
  const args = [...CHROMIUM_ARGUMENTS, "--headless", "--remote-debugging-port=0", `--user-data-dir=${join(home, "profile")}`, "about:blank"];
  const child = spawn(PATHS.chromium, args, { env: { ...process.env, HOME: home }, stdio: ["ignore", "ignore", "pipe"] });
  const address = await new Promise((tell, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
    createInterface({ input: child.stderr }).on("line", (line) => {
      const found = /ws:\/\/127\.0\.0\.1:\S+/.exec(line);
      if (found) tell(found[0]);
    });
  });
  const browser = await chromium.connectOverCDP(address, { noDefaults: true });
  const [context] = browser.contexts();
  const devtools = await browser.newBrowserCDPSession();
  const open = async () => {
    const opened = context.waitForEvent("page");
    await devtools.send("Target.createTarget", { url: "about:blank", newWindow: true });
    return opened;
  };
  const end = async () => {
    const ended = once(child, "exit");
    await devtools.send("Browser.close");
    await ended;
  };
  return { browser, context, open, end };
}

/** Says which browser it is that cannot be started. */
async function told(name, started) {
  try {
    return await started;
  } catch (error) {
    throw new Error(`${PATHS[name]} cannot be started; ${name.toUpperCase()} names another: ${error.message}`);
  }
}
