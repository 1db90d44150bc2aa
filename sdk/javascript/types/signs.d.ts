/**
 * Listens until `signal` aborts.
 * @param {AbortSignal} signal
 * @param {{ shown: () => void, hidden: (isKept: boolean) => void, online: () => void, offline: () => void,
 *   looked: () => void }} told `shown`: a person may
 *   look at the page again. `hidden`: the page is left. A browser may keep it for the way back, or freeze it, and its connection with
 *   it, by which the server would count it as here. `looked`: the page is seen or not seen any more.
 */
export declare function signs(signal: AbortSignal, { shown, hidden, online, offline, looked }: {
    shown: () => void;
    hidden: (isKept: boolean) => void;
    online: () => void;
    offline: () => void;
    looked: () => void;
}): void;
