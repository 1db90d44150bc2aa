export type Failure = Error & {
    code: string;
};
/**
 * An error whose `code` says what happened: a code of PROTOCOL.md, or one of `offline`, `busy`, `timeout`, `too_big`, `closed`.
 * @typedef {Error & { code: string }} Failure
 */
/**
 * @param {string | undefined} code
 * @param {string} [message]
 * @returns {Failure}
 */
export declare const failure: (code: string | undefined, message?: string) => Failure;
export type End = [reason: string, code?: number, retryInMs?: number];
/**
 * How a connection ended: the word and the code of it, and in which time not to come back, where the server said so.
 * @typedef {[reason: string, code?: number, retryInMs?: number]} End
 */
/**
 * The end of a connection whose request to enter the room was refused.
 * @param {{ code: string, retryInMs?: number }} refused
 * @returns {End}
 */
export declare function endOf({ code, retryInMs }: {
    code: string;
    retryInMs?: number;
}): End;
/** The promise, which nobody has to wait for. @template T @param {Promise<T>} promise */
export declare function quiet<T>(promise: Promise<T>): Promise<T>;
/** Names for requests: 64 random bits, so that no two clients have the same, and a count. */
export declare function ids(): () => string;
