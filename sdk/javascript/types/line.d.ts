export type Hello = {
    address: string;
    room: string;
    token?: string;
    /**
     * Whether the tab brings a token when it is asked.
     */
    hasTokens?: boolean;
    reconnect?: {
        firstMs?: number;
        maxMs?: number;
    };
    answerTimeoutMs?: number;
    /**
     * The name of a lock that the tab holds while it is there.
     */
    lock?: string;
};
export type Told = {
    hello: (hello: Hello) => void;
    frame: (text: string) => void;
    shown: () => void;
    token: (answer: {
        answers: number;
        token?: string;
        error?: string;
    }) => void;
    silent: () => void;
    gone: (isBack: boolean) => void;
};
export type Line = ReturnType<typeof line>;
/**
 * What a tab says first.
 * @typedef {object} Hello
 * @property {string} address
 * @property {string} room
 * @property {string} [token]
 * @property {boolean} [hasTokens] Whether the tab brings a token when it is asked.
 * @property {{ firstMs?: number, maxMs?: number }} [reconnect]
 * @property {number} [answerTimeoutMs]
 * @property {string} [lock] The name of a lock that the tab holds while it is there.
 */
/**
 * What happens on a line. `hello`: the tab is ready to be served. `frame`: it says this to its server. `shown`: a person looks at it.
 * `token`: it answers a question for a token. `silent`: it is not heard any more. `gone`: it is not there any more, or hangs up;
 * `isBack` tells whether it may come again.
 * @typedef {{ hello: (hello: Hello) => void, frame: (text: string) => void, shown: () => void,
 *   token: (answer: { answers: number, token?: string, error?: string }) => void, silent: () => void, gone: (isBack: boolean) => void }} Told
 */
/** @typedef {ReturnType<typeof line>} Line */
/**
 * Begins a line.
 * @param {MessagePort} port
 * @param {Told} told
 * @param {LockManager} [locks]
 */
export declare function line(port: MessagePort, told: Told, locks?: LockManager): {
    /** Says something that is no frame. @param {object} word */
    say: (word: object) => void;
    /**
     * Sends frames. Returns false if the tab does not take them.
     * @param {string[]} texts @param {boolean} [isAsked] Whether the tab asked for them, however many they are.
     */
    send(texts: string[], isAsked?: boolean): boolean;
    /** Hears nothing any more. */
    end(): void;
};
