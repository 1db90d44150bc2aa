import { RtbError } from "./failure.js";
export type Options = import("./dial.js").Options;
export type Part = import("./part.js").Part;
export type Stats = import("./status.js").Stats;
export type Status = import("./status.js").Status;
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
    listen: (target: any, type: string, func: (event?: any) => void) => any;
    stop: (reason?: string, code?: number, error?: RtbError) => void;
    update: (isStep?: unknown) => void;
    backlog: () => any;
    send: (text: string) => number;
    /** The server has what was sent up to there. @param {number} upTo */
    proven: (upTo: number) => void;
    doubt: (cause: import("./liveness.js").Cause) => void;
    again: () => void;
    rest: (reason: string, code?: number) => void;
    /** Asks something; the answer is heard, or it is `refused`. @param {object} request */
    ask: (request: object) => number;
};
