/**
 * Returns the frame of a text, or `undefined` if the text is not a valid frame.
 * @param {string} text
 * @returns {any}
 */
export declare function read(text: string): any;
