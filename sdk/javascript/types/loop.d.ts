/**
 * Returns an iterator over the queued messages, then each new one. It queues messages from the call on, not from the first `next()` on.
 * @param {any[]} queue The messages that are there already.
 * @param {number} held How many of these do not count towards the limits.
 * @param {{ on: (name: string, func: (message: any) => void) => () => void, status: () => { name: string }, failure: (code: string) => Error }} viewer
 *   `on` calls `func` for each `message`, and when the viewer is `over`. `failure` returns the error with which the loop ends beyond its
 *   limits.
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<any, void, void>}
 */
export declare function loop(queue: any[], held: number, { on, status, failure }: {
    on: (name: string, func: (message: any) => void) => () => void;
    status: () => {
        name: string;
    };
    failure: (code: string) => Error;
}, signal?: AbortSignal): AsyncGenerator<any, void, void>;
