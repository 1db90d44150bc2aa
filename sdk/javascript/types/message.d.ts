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
     * The status in words; of a refusal, why.
     */
    text: string;
    /**
     * What to call, or empty.
     */
    key: string;
    /**
     * What to call it with.
     */
    params: any[];
};
/**
 * What the server says in one message.
 * @typedef {object} Message
 * @property {string} uuid The room, or empty.
 * @property {number} value One of `Status`.
 * @property {string} text The status in words; of a refusal, why.
 * @property {string} key What to call, or empty.
 * @property {any[]} params What to call it with.
 */
/**
 * The messages of one frame. The Go server puts several into one, separated by newlines; no JSON holds a bare newline
 * inside of a string, so splitting is safe. What cannot be read is passed over and told to `complain`.
 * @param {unknown} frame
 * @param {(why: string) => void} complain
 * @returns {Message[]}
 */
export declare function read(frame: unknown, complain: (why: string) => void): Message[];
/**
 * A client's first message: it creates a room, or joins the one that `uuid` names.
 * @param {string} uuid
 */
export declare function first(uuid: string): string;
/**
 * A message of the owner.
 * @param {string} uuid
 * @param {string} key
 * @param {any[]} params
 * @param {boolean} isState
 */
export declare function action(uuid: string, key: string, params: any[], isState: boolean): string;
/**
 * A client's last message; the owner's ends the room.
 * @param {string} uuid
 */
export declare function last(uuid: string): string;
