/**
 * Returns the messages that are there, then each one that comes. It listens from the call on, not from the loop's first turn on.
 * @param {any[]} queue Those that are there.
 * @param {(hear: (message: any) => void, end: () => void) => () => void} listen Calls `hear` for each message, and `end` when none comes
 *   any more. The answer ends that.
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<any, void, void>}
 */
export declare function loop(queue: any[], listen: (hear: (message: any) => void, end: () => void) => () => void, signal?: AbortSignal): AsyncGenerator<any, void, void>;
