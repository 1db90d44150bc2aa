export type Limits = {
    messageBytes?: number;
    keyBytes?: number;
    depth?: number;
    signalBytes?: number;
    signalsPerSecond?: number;
};
/**
 * What a server takes of one client, as it told it: a limit that is not there is none.
 * @typedef {{ messageBytes?: number, keyBytes?: number, depth?: number, signalBytes?: number, signalsPerSecond?: number }} Limits
 */
/** What every server takes unless it is set otherwise. @type {Limits} */
export declare const LIMITS: Limits;
/** Whether a value is over a limit. @param {number} value @param {number} [limit] */
export declare const isOver: (value: number, limit?: number) => boolean;
/** @param {string} text */
export declare const bytesOf: (text: string) => number;
/**
 * Returns the text of parameters; `undefined` if they are no array that JSON can hold.
 * @param {any} params
 * @returns {string | undefined}
 */
export declare function textOf(params: any): string | undefined;
/**
 * Returns the code with which a server would refuse a message; nothing if it takes it.
 * @param {any} key @param {string | undefined} params @param {string} text The whole message. @param {Limits} limits
 */
export declare function wrong(key: any, params: string | undefined, text: string, { messageBytes, keyBytes, depth }: Limits): "bad_message" | "too_big" | undefined;
