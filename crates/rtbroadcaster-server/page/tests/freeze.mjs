// Freezes pages, as a browser or a machine that sleeps does: their scripts stand still, and their connections stay. Must not know what the
// pages are.

import { readdirSync, readFileSync } from "node:fs";

/**
 * Freezes a page that is hidden; the answer lets it go on. Firefox has no such state: there every process that runs pages is stopped,
 * and with it every page of the browser.
 */
export async function freeze(stand, page) {
  if (stand.browser.browserType().name() === "firefox") return stopped(stand.folder);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
  return async () => {
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await devtools.detach();
  };
}

/** Stops the processes that run the pages of the browser with this home; the answer lets them go on. */
function stopped(home) {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && /\btab\W*$/.test(read(name, "cmdline")) && isOf(name, home)).map(Number);
  if (pids.length === 0) throw new Error("no process runs pages");
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  return async () => {
    for (const pid of pids) process.kill(pid, "SIGCONT");
  };
}

/** Whether a process, or one that it comes from, has this home. A page's own process does not show it. */
function isOf(pid, home) {
  for (let at = pid; Number(at) > 1; at = /^PPid:\s+(\d+)/m.exec(read(at, "status"))?.[1]) {
    if (read(at, "environ").split("\0").includes(`HOME=${home}`)) return true;
  }
  return false;
}

/** What the system tells of a process; nothing if it is gone, or another user's. */
function read(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}
