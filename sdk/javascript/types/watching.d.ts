export type Message = import("./store.js").Message;
export type Watching = ReturnType<typeof begin>;
export type Seat = (name: string, ...values: any[]) => void;
/**
 * Returns the watching of a room: one that is there with the same terms, or a new one.
 * @param {string | URL} url
 * @param {string} room
 * @param {import("./viewer.js").ViewerOptions} options
 */
export declare function watching(url: string | URL, room: string, options: import("./viewer.js").ViewerOptions): {
    state: {
        seq: number;
        size: number;
        all: () => MapIterator<import("./store.js").Message>;
        seenBy(on: ReturnType<typeof import("./ears.js").ears>["on"]): import("./store.js").State<any>;
        take(message: import("./store.js").Message): boolean;
        replace(newer: import("./store.js").Replay, isSameCount: boolean): import("./store.js").Message[];
    };
    way: {
        entered: Promise<any>;
        status: () => import("./course.js").Status;
        stats: () => {
            roundTripMs?: number;
            attempts: number;
            connections: number;
            lastFrameAt?: number;
            bufferedAmount: any;
        };
        listen: (target: any, type: string, func: (event?: any) => void) => any;
        stop: (reason?: string, code?: number, error?: import("./failure.js").RtbError) => void;
        update: (isStep?: unknown) => void;
        backlog: () => any;
        send: (text: string) => number;
        proven: (upTo: number) => void;
        doubt: (cause: import("./liveness.js").Cause) => void;
        again: () => void;
        rest: (reason: string, code?: number) => void;
        ask: (request: object) => number;
    };
    seats: Set<Seat>;
    number: () => number | undefined;
    audience: () => {
        viewers: number;
    } | undefined;
    /** Says something to the owner. Rejects if the server would refuse it. @param {string} key @param {any[]} [params] @returns {Promise<void>} */
    signal(key: string, params?: any[]): Promise<void>;
    /** The last one goes. @param {string} reason */
    leave(reason: string): void;
};
/**
 * @param {string | URL} url
 * @param {string} room
 * @param {import("./viewer.js").ViewerOptions} options
 * @param {() => void} over
 */
declare function begin(url: string | URL, room: string, options: import("./viewer.js").ViewerOptions, over: () => void): {
    state: {
        seq: number;
        size: number;
        all: () => MapIterator<import("./store.js").Message>;
        seenBy(on: ReturnType<typeof import("./ears.js").ears>["on"]): import("./store.js").State<any>;
        take(message: import("./store.js").Message): boolean;
        replace(newer: import("./store.js").Replay, isSameCount: boolean): import("./store.js").Message[];
    };
    way: {
        entered: Promise<any>;
        status: () => import("./course.js").Status;
        stats: () => {
            roundTripMs?: number;
            attempts: number;
            connections: number;
            lastFrameAt?: number;
            bufferedAmount: any;
        };
        listen: (target: any, type: string, func: (event?: any) => void) => any;
        stop: (reason?: string, code?: number, error?: import("./failure.js").RtbError) => void;
        update: (isStep?: unknown) => void;
        backlog: () => any;
        send: (text: string) => number;
        proven: (upTo: number) => void;
        doubt: (cause: import("./liveness.js").Cause) => void;
        again: () => void;
        rest: (reason: string, code?: number) => void;
        ask: (request: object) => number;
    };
    seats: Set<Seat>;
    number: () => number | undefined;
    audience: () => {
        viewers: number;
    } | undefined;
    /** Says something to the owner. Rejects if the server would refuse it. @param {string} key @param {any[]} [params] @returns {Promise<void>} */
    signal(key: string, params?: any[]): Promise<void>;
    /** The last one goes. @param {string} reason */
    leave(reason: string): void;
};
export {};
