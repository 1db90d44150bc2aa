import { RtbError } from "./failure.js";
export type Options = import("./dial.js").Options;
export type Role = import("./role.js").Role;
export type Stats = import("./status.js").Stats;
export type Status = import("./status.js").Status;
export type Monitor = ReturnType<import("./lazy.js").LazyModule["monitor"]>;
/**
 * Connects a client, and reconnects it until it is stopped or a close is final. Returns its link to the server.
 * @param {string | URL} url
 * @param {Options} options
 * @param {Role} role
 * @param {string} [mistake] The program's mistake, as a sentence: then the link is closed at once.
 * @param {boolean} [isHeld] Whether to wait for `again` before the first attempt.
 */
export declare function reconnecting(url: string | URL, options: Options, role: Role, mistake?: string, isHeld?: boolean): {
    /** Resolves when the client is in the room for the first time; rejects if it never will be. */
    entered: Promise<any>;
    status: () => Status;
    stats: () => {
        roundTripMs?: number;
        attempts: number;
        connections: number;
        lastFrameAt?: number;
        bufferedAmount: any;
    };
    stop: (reason?: string, code?: number, error?: RtbError) => void;
    update: (isStep?: unknown) => void;
    backlog: () => any;
    send: (text: string) => number;
    /** Returns the monitor of the connection, if stay.js is loaded. */
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
    /** Sends a request. The role gets its answer by `receive`, or its refusal by `refused`. @param {object} request */
    ask: (request: object) => number;
    socket: () => any;
    isIn: () => boolean;
    setStatus: (next: any) => void;
    fail: (error: unknown) => void;
    outside: () => import("./status.js").Outside["name"];
    /** Returns a true value while an attempt is scheduled or running. */
    isBegun: () => any;
    /** The statistics, which stay.js updates too. */
    counts: import("./status.js").Stats;
    plan: (ms: number) => number;
    /** Sets the earliest time of the next attempt. @param {number} at */
    defer: (at: number) => number;
    lost: (reason: string, code?: number, serverMs?: number, message?: string) => void;
    detach: () => void;
};
