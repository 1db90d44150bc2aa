// An owner and a viewer of the SDK, each in a window of its own, which remember what they were told. Must not know the pages, the way
// or what happens to it.

/**
 * Begins an owner that says numbers: `say` says so many more, each as an event and as a value. With `keeps` an owner that was in this
 * window before is the owner again.
 */
export async function owner(page, { keeps = true, ...options } = {}) {
  return page.evaluate(async ({ keeps, options }) => {
    const room = (globalThis.end = await globalThis.sdk.host("/broadcasting", { ...options, storage: keeps ? sessionStorage : undefined }));
    Object.assign(globalThis, { statuses: [], resets: [], said: 0 });
    room.status.subscribe((status) => globalThis.statuses.push({ ...status, at: Date.now() }));
    room.listen("reset", ({ reason }) => globalThis.resets.push(reason));
    // An event is refused without a connection; a value waits for it, and then the event is said.
    const ring = async (n) => {
      for (;;) {
        try {
          return await room.publish("bell", [n]);
        } catch (error) {
          if (error.code !== "offline") throw error;
          await room.publish("waited", [n], { state: true });
        }
      }
    };
    globalThis.say = async (count) => {
      for (let end = globalThis.said + count; globalThis.said < end; ) {
        const n = ++globalThis.said;
        await Promise.all([ring(n), room.publish("n", [n], { state: true })]);
      }
    };
    return room.id;
  }, { keeps, options });
}

/** Begins a viewer of a room, which remembers every event. */
export async function viewer(page, room) {
  await page.evaluate((room) => {
    Object.assign(globalThis, { bells: [], statuses: [], resets: [] });
    const show = (globalThis.end = globalThis.sdk.watch("/broadcasting", room));
    show.on("bell", (n) => globalThis.bells.push(n));
    show.status.subscribe((status) => globalThis.statuses.push({ ...status, at: Date.now() }));
    show.listen("reset", ({ reason }) => globalThis.resets.push(reason));
    return show.entered;
  }, room);
}

/** Waits until an end is live, for the whole of which its page may be hidden. */
export const isLive = (page) => page.waitForFunction(() => globalThis.end.status.value.name === "live", null, { polling: 50 });

/** The statuses that an end was told since a moment, and the one that it had then. */
export const statusesSince = (page, at) =>
  page.evaluate((at) => {
    const before = globalThis.statuses.filter((status) => status.at < at).at(-1) ?? { name: "live", at };
    return [{ ...before, at }, ...globalThis.statuses.filter((status) => status.at >= at)];
  }, at);

/** Waits until a viewer has heard what the owner said last. Returns how many events it lacks and how many it has twice. */
export async function heard(watching, speaking) {
  const said = await speaking.evaluate(() => globalThis.said);
  await watching.waitForFunction((said) => globalThis.end.state.get("n")?.[0] === said && globalThis.bells.at(-1) === said, said, { polling: 50 });
  return watching.evaluate((said) => {
    const { bells } = globalThis;
    const isOrdered = bells.every((n, at) => at === 0 || n > bells[at - 1]);
    return { said, lost: said - new Set(bells).size, repeated: bells.length - new Set(bells).size, isOrdered, resets: globalThis.resets };
  }, said);
}
