// What a page is told of the person, the machine and its network. Must not know what follows from it.

/**
 * Listens until `signal` aborts.
 * @param {AbortSignal} signal
 * @param {{ shown: () => void, hidden: (isKept: boolean) => void, online: () => void, offline: () => void,
 *   looked: () => void }} told `shown`: a person may
 *   look at the page again. `hidden`: the page is left. A browser may keep it for the way back, or freeze it, and its connection with
 *   it, by which the server would count it as here. `looked`: the page is seen or not seen any more.
 */
export function signs(signal, { shown, hidden, online, offline, looked }) {
  const page = globalThis.document;
  /** @param {any} target @param {string} type @param {(event?: any) => void} func */
  const listen = (target, type, func) => target?.addEventListener?.(type, func, { signal });
  const seen = () => page?.hidden || shown();
  for (const type of ["visibilitychange", "resume"]) listen(page, type, seen);
  for (const type of ["pageshow", "focus"]) listen(globalThis, type, seen);
  listen(globalThis, "pagehide", ({ persisted }) => hidden(persisted));
  listen(page, "freeze", () => hidden(true));
  listen(globalThis, "online", online);
  listen(globalThis, "offline", offline);
  listen(page, "visibilitychange", looked);
}
