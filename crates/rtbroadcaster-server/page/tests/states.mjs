// Takes pictures of where a window may stand, by cutting its way to the server: `node states.mjs FOLDER`, narrow and wide, of both pages.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DarkWay } from "./dark.mjs";
import { Stand } from "./stand.mjs";

const folder = process.argv[2] ?? "pictures";
const SIZES = { 390: { width: 390, height: 844 }, 1280: { width: 1280, height: 800 } };

/** How slow the way is, in milliseconds. */
const SLOW_MS = 3_000;

/** What differs between the two pages. */
const PAGES = {
  slides: { path: "/", start: "Start a room", end: "End the room", link: "Link for viewers", live: "Presenting" },
  poll: { path: "/poll", start: "Start a poll", end: "End the poll", link: "Link for pupils", live: "Asking" },
};

/** Says that a page comes from an address that the server does not list. */
const foreign = (request) => Buffer.from(String(request).replace(/^origin: .*$/im, "Origin: http://elsewhere.example"));

mkdirSync(folder, { recursive: true });
const stand = await Stand.begin([], ["--owner-grace", "2m"]);
try {
  const port = Number(new URL(stand.origin).port);
  for (const [name, page] of Object.entries(PAGES)) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      await states(port, page, { viewport, reducedMotion: "reduce" }, (one, what) =>
        one.screenshot({ path: join(folder, `${size}-${name}-${what}.png`) }));
    }
  }
} finally {
  await stand.end();
}

/** One page in one size, in all states. */
async function states(port, { path, start, end, link, live }, options, shot) {
  const way = await DarkWay.to(port);
  // On a slow way an answer gets its time, and the check is long enough for a picture.
  way.delayMs = SLOW_MS;
  stand.origin = way.origin;
  const status = (one, text) => one.locator("#status", { hasText: text }).waitFor();

  // The room that both have been in.
  const owner = await stand.window(path, options);
  await owner.getByRole("button", { name: start }).click();
  await status(owner, live);
  if (path === "/poll") {
    await owner.getByLabel("Question", { exact: true }).fill("Which planet has the shortest day?");
    for (const [at, answer] of ["Jupiter", "Mars"].entries()) await owner.getByLabel(`Answer ${at + 1}`, { exact: true }).fill(answer);
    await owner.getByRole("button", { name: "Ask the class" }).click();
  }
  const url = new URL(await owner.getByLabel(link).inputValue());
  const viewer = await stand.window(url.pathname + url.search, options);
  await status(viewer, "Following");
  const both = [[owner, "owner", live], [viewer, "viewer", "Following"]];
  for (const [one, role] of both) await shot(one, `${role}-live`);

  // Dark: first the connection is checked, then it is lost, since no other one is let through.
  way.upgrade = () => undefined;
  way.darken();
  await Promise.all(both.map(async ([one, role]) => {
    // Asked anew while it has an answer of before.
    await one.waitForFunction(() => {
      dispatchEvent(new Event("focus"));
      return document.getElementById("status").textContent === "Checking the connection…";
    }, null, { polling: 100 });
    await shot(one, `${role}-checking`);
  }));
  await Promise.all(both.map(async ([one, role]) => {
    await one.waitForFunction(() => {
      dispatchEvent(new Event("focus"));
      return document.getElementById("status").textContent === "Connection lost, coming back…";
    }, null, { polling: 100 });
    await shot(one, `${role}-lost`);
  }));
  way.upgrade = (request) => request;
  way.cut();
  for (const [one, , said] of both) await status(one, said);

  // Another window presents: a copy of the presenter's.
  const [second] = await Promise.all([owner.waitForEvent("popup"), owner.evaluate(() => void open(location.href))]);
  await second.setViewportSize(options.viewport);
  await second.getByRole("heading", { name: "Another window presents" }).waitFor();
  await shot(second, "owner-elsewhere");
  await second.close();

  // Away, and ended.
  await owner.goto("about:blank");
  await status(viewer, "The presenter is away…");
  await shot(viewer, "viewer-away");
  await owner.goBack();
  await status(owner, live);
  await owner.getByRole("button", { name: end }).click();
  for (const [one, role] of both) {
    await one.locator("#notice").waitFor();
    await shot(one, `${role}-ended`);
    await one.context().close();
  }

  way.end();

  // Never been in: the server refuses the page, or is not there any more when the page has come.
  for (const what of ["refused", "unreachable"]) {
    for (const [role, address] of [["owner", path], ["viewer", url.pathname + url.search]]) {
      const way = await DarkWay.to(port);
      stand.origin = way.origin;
      way.upgrade = what === "refused" ? foreign : () => void way.end();
      const one = await stand.window(address, options);
      if (role === "owner") await one.getByRole("button", { name: start }).click();
      await one.locator("#banner-text", { hasText: "/healthz" }).waitFor();
      await shot(one, `${role}-${what}`);
      await one.context().close();
      way.end();
    }
  }
}
