export { loop } from "./loop.js";
export { signal } from "./signals.js";
export type Cause = import("./liveness.js").Cause;
/**
 * Monitors the connections of one client, one after another.
 * @param {ReturnType<typeof import("./reconnect.js").reconnecting>} link
 * @param {import("./role.js").Role} role
 * @param {import("./dial.js").Options} options
 * @param {{ renew: () => Promise<string | undefined> }} dial Gets a new token.
 */
export declare function monitor(link: ReturnType<typeof import("./reconnect.js").reconnecting>, role: import("./role.js").Role, { reconnect }: import("./dial.js").Options, dial: {
    renew: () => Promise<string | undefined>;
}): {
    /** Takes a frame, `undefined` for an invalid one. @param {any} frame @param {boolean} isAnswer Whether it is the answer that enters the room. */
    receive(frame: any, isAnswer: boolean): void;
    /** Records received bytes, also of an incomplete frame. @param {number} at */
    received: (at: number) => void;
    /** Records that the connection is in the room. @param {number} askedOn When its request was sent, as `Date.now()`. */
    entered(askedOn: number): void;
    isChecking: () => boolean;
    /** Counts a sent text. Returns how many bytes this connection has sent. @param {string} text */
    sent: (text: string) => number;
    /** Records that the server has received the first `upTo` bytes. @param {number} upTo */
    proven: (upTo: number) => void;
    doubt: (cause: Cause) => void;
    /** Called with each new status. */
    look: () => void;
    /** Forgets what belongs to the lost connection. */
    cut(): void;
    /**
     * Returns the delay of the next attempt, in milliseconds, which is added to the server's.
     * @param {number} serverMs The shortest delay, in milliseconds, if the server set one.
     */
    delay(serverMs: number): number;
    /** Stops listening to the page, since the client is closed. */
    end: () => void;
};
