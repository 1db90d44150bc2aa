/**
 * Returns the class that one viewer connects with.
 * @param {any} Socket What connects where nothing is shared.
 * @param {string} address
 * @param {string} room
 * @param {any} [options] The viewer's: those in which the tabs agree share a connection.
 * @param {() => void} [back] Called when the shared connection is there again, and this viewer is not.
 * @param {(func: any, event: Event) => void} [attempt] Calls what may throw.
 * @returns {any}
 */
export declare function tabs(Socket: any, address: string, room: string, { token, identity, reconnect, answerTimeoutMs }?: any, back?: () => void, attempt?: (func: any, event: Event) => void): any;
