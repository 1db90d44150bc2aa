/**
 * Whether a client should connect again after a close code.
 * @param {number} code
 */
export declare function comesBack(code: number): boolean;
/**
 * Whether a client should try to join again after a refusal.
 * @param {string} text
 */
export declare function isForNow(text: string): boolean;
