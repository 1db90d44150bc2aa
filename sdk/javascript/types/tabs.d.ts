/**
 * Returns the class with which one viewer connects.
 * @param {any} Socket The class for connections that are not shared.
 * @param {string} address
 * @param {string} room
 * @param {any} [options] The viewer's options. Tabs share a connection if some of these are the same.
 * @param {() => void} [back] Called when the shared connection is back and this viewer is disconnected.
 * @param {(func: any, event: Event) => void} [callSafely] Calls a function that may throw.
 * @returns {any}
 */
export declare function tabs(Socket: any, address: string, room: string, { token, identity, reconnect, answerTimeoutMs }?: any, back?: () => void, callSafely?: (func: any, event: Event) => void): any;
