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
        stop: (reason?: string, code?: number, error?: import("./failure.js").RtbError) => void;
        update: (isStep?: unknown) => void;
        backlog: () => any;
        send: (text: string) => number;
        stay: () => {
            hear(frame: any, isAnswer: boolean): void;
            heard: (at: number) => void;
            entered(askedOn: number): void;
            isChecking: () => boolean;
            sent: (text: string) => number;
            proven: (upTo: number) => void;
            doubt: (cause: import("./stay.js").Cause) => void;
            look: () => void;
            cut(): void;
            delay(told: number): number;
            end: () => void;
        } | undefined;
        again: () => void;
        ask: (request: object) => number;
        socket: () => any;
        isIn: () => boolean;
        tell: (next: any) => void;
        fail: (error: unknown) => void;
        outside: () => import("./status.js").Outside["name"];
        isBegun: () => any;
        counts: import("./status.js").Stats;
        plan: (ms: number) => number;
        defer: (at: number) => number;
        lost: (reason: string, code?: number, told?: number, message?: string) => void;
        detach: () => void;
    };
    seats: Set<Seat>;
    number: () => number | undefined;
    limits: () => import("./grammar.js").Limits | undefined;
    audience: () => {
        viewers: number;
    } | undefined;
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
        stop: (reason?: string, code?: number, error?: import("./failure.js").RtbError) => void;
        update: (isStep?: unknown) => void;
        backlog: () => any;
        send: (text: string) => number;
        stay: () => {
            hear(frame: any, isAnswer: boolean): void;
            heard: (at: number) => void;
            entered(askedOn: number): void;
            isChecking: () => boolean;
            sent: (text: string) => number;
            proven: (upTo: number) => void;
            doubt: (cause: import("./stay.js").Cause) => void;
            look: () => void;
            cut(): void;
            delay(told: number): number;
            end: () => void;
        } | undefined;
        again: () => void;
        ask: (request: object) => number;
        socket: () => any;
        isIn: () => boolean;
        tell: (next: any) => void;
        fail: (error: unknown) => void;
        outside: () => import("./status.js").Outside["name"];
        isBegun: () => any;
        counts: import("./status.js").Stats;
        plan: (ms: number) => number;
        defer: (at: number) => number;
        lost: (reason: string, code?: number, told?: number, message?: string) => void;
        detach: () => void;
    };
    seats: Set<Seat>;
    number: () => number | undefined;
    limits: () => import("./grammar.js").Limits | undefined;
    audience: () => {
        viewers: number;
    } | undefined;
    /** The last one goes. @param {string} reason */
    leave(reason: string): void;
};
export {};
