export type ErrorCode = "aborted" | "bad_argument" | "bad_message" | "busy" | "closed" | "fenced" | "id_reused" | "in_use" | "left" | "lost" | "no_room" | "not_owner" | "offline" | "protocol" | "rate" | "room_closed" | "room_full" | "room_limit" | "silent" | "size" | "state_full" | "timeout" | "token" | "too_big" | "unauthorized" | "unavailable" | (string & {});
/** A failure. Every promise of this library that is rejected is rejected with one. */
export declare class RtbError extends Error {
    /** What happened. */
    code: ErrorCode;
    /** Whether another try makes sense. */
    comesBack: boolean;
    /**
     * @param {ErrorCode} code
     * @param {{ message?: string, comesBack?: boolean, cause?: unknown }} [more]
     */
    constructor(code: ErrorCode, { message, comesBack, cause }?: {
        message?: string;
        comesBack?: boolean;
        cause?: unknown;
    });
}
/** @param {ErrorCode | undefined} code @param {string} [message] */
export declare const failure: (code: ErrorCode | undefined, message?: string) => RtbError;
/** @param {string} message */
export declare const badArgument: (message: string) => RtbError;
/** The failure of what a signal has ended. @param {AbortSignal} [signal] */
export declare const aborted: (signal?: AbortSignal) => RtbError;
export type End = [reason: string, code?: number, retryInMs?: number, message?: string];
/**
 * How a connection ended: the word and the code of it, in which time not to come back, where the server said so, and its sentence.
 * @typedef {[reason: string, code?: number, retryInMs?: number, message?: string]} End
 */
/**
 * The end of a connection whose request to enter the room was refused.
 * @param {{ code: string, retryInMs?: number, message?: string }} refused
 * @returns {End}
 */
export declare function endOf({ code, retryInMs, message }: {
    code: string;
    retryInMs?: number;
    message?: string;
}): End;
/** The promise, which nobody has to wait for. @template T @param {Promise<T>} promise */
export declare function quiet<T>(promise: Promise<T>): Promise<T>;
