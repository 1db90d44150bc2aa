// Listens to the browser's events about the page and the network. Must not know how clients react to them.

/**
 * Listens to the page's events until `signal` aborts.
 * @param {AbortSignal} signal
 * @param {{ shown: () => void, hidden: (isKept: boolean) => void, online: () => void, offline: () => void,
 *   looked: () => void }} handlers `shown`: the page was shown or got the focus. `hidden`: the page is left, or frozen; `isKept`: the
 *   browser may keep it, with its connection, for which the server would count it as present. `looked`: the page's visibility changed.
 */
export function pageEvents(signal, { shown, hidden, online, offline, looked }) {
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
