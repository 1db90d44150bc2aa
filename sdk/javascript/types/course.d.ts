import { RtbError } from "./failure.js";
export type Options = import("./dial.js").Options;
export type Part = import("./part.js").Part;
export type Stats = import("./status.js").Stats;
export type Status = import("./status.js").Status;
export type Stay = ReturnType<import("./later.js").Stays["stay"]>;
/**
 * Begins a way, which goes on until it is stopped.
 * @param {string | URL} url
 * @param {Options} options
 * @param {Part} part
 * @param {string} [wrong] What the program got wrong; then it is over at once.
 * @param {boolean} [isHeld] Whether it does not begin by itself.
 */
export declare function course(url: string | URL, options: Options, part: Part, wrong?: string, isHeld?: boolean): {
    /** Settled when it is in the room for the first time, or never will be. */
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
    /** What looks after the connection, if it is loaded. */
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
    /** Asks something; the answer is heard, or it is `refused`. @param {object} request */
    ask: (request: object) => number;
    socket: () => any;
    isIn: () => boolean;
    tell: (next: any) => void;
    fail: (error: unknown) => void;
    outside: () => import("./status.js").Outside["name"];
    /** Whether an attempt is planned, or is being made. */
    isBegun: () => any;
    /** Newer answers to probes are told here. */
    counts: import("./status.js").Stats;
    plan: (ms: number) => number;
    /** No attempt begins before this. @param {number} at */
    defer: (at: number) => number;
    lost: (reason: string, code?: number, told?: number, message?: string) => void;
    detach: () => void;
};
