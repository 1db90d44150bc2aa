/**
 * Listens to the page's events until `signal` aborts.
 * @param {AbortSignal} signal
 * @param {{ shown: () => void, hidden: (isKept: boolean) => void, online: () => void, offline: () => void,
 *   looked: () => void }} handlers `shown`: the page was shown or got the focus. `hidden`: the page is left, or frozen; `isKept`: the
 *   browser may keep it, with its connection, for which the server would count it as present. `looked`: the page's visibility changed.
 */
export declare function pageEvents(signal: AbortSignal, { shown, hidden, online, offline, looked }: {
    shown: () => void;
    hidden: (isKept: boolean) => void;
    online: () => void;
    offline: () => void;
    looked: () => void;
}): void;
