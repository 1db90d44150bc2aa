/**
 * Returns the frame that a text is; `undefined` if it is none that can be used.
 * @param {string} text
 * @returns {any}
 */
export declare function read(text: string): any;
