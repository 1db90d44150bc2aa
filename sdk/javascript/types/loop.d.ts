/**
 * Returns the messages that are there, then each one that comes. It listens from the call on, not from the loop's first turn on.
 * @param {any[]} queue Those that are there.
 * @param {number} held How many of these do not count.
 * @param {{ on: (name: string, func: (message: any) => void) => () => void, status: () => { name: string }, failure: (code: string) => Error }} viewer
 *   `on` calls `func` for each `message`, and when it is `over`. `failure` makes the error with which the loop ends when too much waits.
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
