/**
 * Returns the class that one viewer connects with.
 * @param {any} Socket What connects where nothing is shared.
 * @param {string | URL} url
 * @param {string} room
 * @param {any} [options] The viewer's: those in which the tabs agree share a connection.
 * @param {() => void} [back] Called when the shared connection is there again, and this viewer is not.
 * @returns {any}
 */
export declare function tabs(Socket: any, url: string | URL, room: string, { token, identity, reconnect, answerTimeoutMs }?: any, back?: () => void): any;
