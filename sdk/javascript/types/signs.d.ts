/**
 * Listens until `signal` aborts. Returns what listens to something else for as long.
 * @param {AbortSignal} signal
 * @param {{ shown: () => void, online: () => void, offline: () => void }} told `shown`: a person may look at the page again.
 */
export declare function signs(signal: AbortSignal, { shown, online, offline }: {
    shown: () => void;
    online: () => void;
    offline: () => void;
}): (target: any, type: string, func: () => void) => any;
