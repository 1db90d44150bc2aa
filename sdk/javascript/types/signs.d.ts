/**
 * Listens until `signal` aborts. Returns what listens to something else for as long.
 * @param {AbortSignal} signal
 * @param {{ shown: () => void, hidden: (isKept: boolean) => void, online: () => void, offline: () => void }} told `shown`: a person may
 *   look at the page again. `hidden`: the page is left. A browser may keep it for the way back, or freeze it, and its connection with
 *   it, by which the server would count it as here.
 */
export declare function signs(signal: AbortSignal, { shown, hidden, online, offline }: {
    shown: () => void;
    hidden: (isKept: boolean) => void;
    online: () => void;
    offline: () => void;
}): (target: any, type: string, func: (event?: any) => void) => any;
