export type ErrorCode = "aborted" | "bad_argument" | "bad_message" | "busy" | "closed" | "fenced" | "id_reused" | "in_use" | "left" | "lost" | "no_room" | "not_owner" | "offline" | "protocol" | "rate" | "room_closed" | "room_full" | "room_limit" | "silent" | "size" | "state_full" | "timeout" | "token" | "too_big" | "unauthorized" | "unavailable" | (string & {});
/** An error of this library. Every promise that the library rejects is rejected with one. */
export declare class RtbError extends Error {
    /** The code of the error. */
    code: ErrorCode;
    /** Whether a retry makes sense. */
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
/** Returns the error of a call that a signal aborted: `timeout` for `AbortSignal.timeout`, else `aborted`. @param {AbortSignal} [signal] */
export declare const aborted: (signal?: AbortSignal) => RtbError;
export type End = [reason: string, code?: number, retryInMs?: number, message?: string];
/**
 * The end of a connection: its reason and code, and the server's shortest delay before a retry and its message, if it sent them.
 * @typedef {[reason: string, code?: number, retryInMs?: number, message?: string]} End
 */
/**
 * Returns the end of a connection whose request to enter the room was refused.
 * @param {{ code: string, retryInMs?: number, message?: string }} refused
 * @returns {End}
 */
export declare function endOf({ code, retryInMs, message }: {
    code: string;
    retryInMs?: number;
    message?: string;
}): End;
/** Returns the promise, whose rejection is no unhandled rejection any more. @template T @param {Promise<T>} promise */
export declare function quiet<T>(promise: Promise<T>): Promise<T>;
