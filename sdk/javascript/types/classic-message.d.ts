/** The values of `status.value`. */
export declare const Status: Readonly<{
    notConnected: 0;
    create: 1;
    join: 2;
    connected: 3;
    close: 4;
}>;
export type Message = {
    /**
     * The room, or empty.
     */
    uuid: string;
    /**
     * One of `Status`.
     */
    value: number;
    /**
     * The status in words; of a refusal, its reason.
     */
    text: string;
    /**
     * The key, or empty.
     */
    key: string;
    /**
     * The parameters.
     */
    params: any[];
};
/**
 * A message of the server.
 * @typedef {object} Message
 * @property {string} uuid The room, or empty.
 * @property {number} value One of `Status`.
 * @property {string} text The status in words; of a refusal, its reason.
 * @property {string} key The key, or empty.
 * @property {any[]} params The parameters.
 */
/**
 * Returns the messages of one frame. The Go server puts several into one, separated by newlines. JSON strings have no bare newlines, so
 * splitting is safe. A message that cannot be read is dropped and reported to `complain`.
 * @param {unknown} frame
 * @param {(why: string) => void} complain
 * @returns {Message[]}
 */
export declare function read(frame: unknown, complain: (why: string) => void): Message[];
/**
 * Returns a client's first message, which creates a room if `uuid` is empty, and else joins the room `uuid`.
 * @param {string} uuid
 */
export declare function first(uuid: string): string;
/**
 * Returns a message of the owner.
 * @param {string} uuid
 * @param {string} key
 * @param {any[]} params
 * @param {boolean} isState
 */
export declare function action(uuid: string, key: string, params: any[], isState: boolean): string;
/**
 * Returns a client's last message; the owner's ends the room.
 * @param {string} uuid
 */
export declare function last(uuid: string): string;
