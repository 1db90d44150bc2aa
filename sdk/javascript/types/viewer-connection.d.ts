export type Message = import("./store.js").Message;
export type ViewerConnection = ReturnType<typeof begin>;
export type Emit = (name: string, ...values: any[]) => void;
/**
 * Returns a connection to a room: an existing one with the same parameters, or a new one.
 * @param {string | URL} url
 * @param {string} room
 * @param {import("./viewer.js").ViewerOptions} options
 */
export declare function viewerConnection(url: string | URL, room: string, options: import("./viewer.js").ViewerOptions): {
    state: {
        seq: number;
        size: number;
        all: () => MapIterator<import("./store.js").Message>;
        seenBy(on: ReturnType<typeof import("./listeners.js").listeners>["on"]): import("./store.js").State<any>;
        take(message: import("./store.js").Message): boolean;
        replace(newer: import("./store.js").Replay, isSameCount: boolean): import("./store.js").Message[];
    };
    link: {
        entered: Promise<any>;
        status: () => import("./reconnect.js").Status;
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
        monitor: () => {
            receive(frame: any, isAnswer: boolean): void;
            received: (at: number) => void;
            entered(askedOn: number): void;
            isChecking: () => boolean;
            sent: (text: string) => number;
            proven: (upTo: number) => void;
            doubt: (cause: import("./stay.js").Cause) => void;
            look: () => void;
            cut(): void;
            delay(serverMs: number): number;
            end: () => void;
        } | undefined;
        again: () => void;
        ask: (request: object) => number;
        socket: () => any;
        isIn: () => boolean;
        setStatus: (next: any) => void;
        fail: (error: unknown) => void;
        outside: () => import("./status.js").Outside["name"];
        isBegun: () => any;
        counts: import("./status.js").Stats;
        plan: (ms: number) => number;
        defer: (at: number) => number;
        lost: (reason: string, code?: number, serverMs?: number, message?: string) => void;
        detach: () => void;
    };
    viewers: Set<Emit>;
    number: () => number | undefined;
    limits: () => import("./validation.js").Limits | undefined;
    audience: () => {
        viewers: number;
    } | undefined;
    /** Leaves the room, for the last viewer. @param {string} reason */
    leave(reason: string): void;
};
/**
 * Opens a new connection.
 * @param {string | URL} url
 * @param {string} room
 * @param {import("./viewer.js").ViewerOptions} options
 * @param {() => void} over Called when it is closed for good.
 */
declare function begin(url: string | URL, room: string, options: import("./viewer.js").ViewerOptions, over: () => void): {
    state: {
        seq: number;
        size: number;
        all: () => MapIterator<import("./store.js").Message>;
        seenBy(on: ReturnType<typeof import("./listeners.js").listeners>["on"]): import("./store.js").State<any>;
        take(message: import("./store.js").Message): boolean;
        replace(newer: import("./store.js").Replay, isSameCount: boolean): import("./store.js").Message[];
    };
    link: {
        entered: Promise<any>;
        status: () => import("./reconnect.js").Status;
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
        monitor: () => {
            receive(frame: any, isAnswer: boolean): void;
            received: (at: number) => void;
            entered(askedOn: number): void;
            isChecking: () => boolean;
            sent: (text: string) => number;
            proven: (upTo: number) => void;
            doubt: (cause: import("./stay.js").Cause) => void;
            look: () => void;
            cut(): void;
            delay(serverMs: number): number;
            end: () => void;
        } | undefined;
        again: () => void;
        ask: (request: object) => number;
        socket: () => any;
        isIn: () => boolean;
        setStatus: (next: any) => void;
        fail: (error: unknown) => void;
        outside: () => import("./status.js").Outside["name"];
        isBegun: () => any;
        counts: import("./status.js").Stats;
        plan: (ms: number) => number;
        defer: (at: number) => number;
        lost: (reason: string, code?: number, serverMs?: number, message?: string) => void;
        detach: () => void;
    };
    viewers: Set<Emit>;
    number: () => number | undefined;
    limits: () => import("./validation.js").Limits | undefined;
    audience: () => {
        viewers: number;
    } | undefined;
    /** Leaves the room, for the last viewer. @param {string} reason */
    leave(reason: string): void;
};
export {};
