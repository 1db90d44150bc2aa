/**
 * Returns whether a client reconnects after a close code.
 * @param {number} code
 */
export declare function comesBack(code: number): boolean;
/**
 * Returns whether a client tries to join again after a refusal of the classic protocol.
 * @param {string} text
 */
export declare function isTemporary(text: string): boolean;
