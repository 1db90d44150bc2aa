export type Limits = {
    messageBytes?: number;
    keyBytes?: number;
    depth?: number;
    signalBytes?: number;
    signalsPerSecond?: number;
};
/**
 * A server's limits for one client, as it sent them. A missing limit means no limit.
 * @typedef {{ messageBytes?: number, keyBytes?: number, depth?: number, signalBytes?: number, signalsPerSecond?: number }} Limits
 */
/** A server's default limits. @type {Limits} */
export declare const LIMITS: Limits;
/** Returns whether a value is over a limit. @param {number} value @param {number} [limit] */
export declare const isOver: (value: number, limit?: number) => boolean;
/** Returns the length of a text in bytes of UTF-8. @param {string} text */
export declare const bytesOf: (text: string) => number;
/**
 * Returns the JSON of parameters, or `undefined` if they are not an array that JSON can hold.
 * @param {any} params
 * @returns {string | undefined}
 */
export declare function textOf(params: any): string | undefined;
/**
 * Returns the code with which a server would refuse a message, or `undefined` if it would accept it.
 * @param {any} key @param {string | undefined} params @param {string} text The whole message. @param {Limits} limits
 */
export declare function refusalCode(key: any, params: string | undefined, text: string, { messageBytes, keyBytes, depth }: Limits): "bad_message" | "too_big" | undefined;
