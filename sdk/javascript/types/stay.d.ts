export { loop } from "./loop.js";
export { signal } from "./signals.js";
export type Cause = import("./liveness.js").Cause;
/**
 * Begins to look after the connections of one end, one after another.
 * @param {ReturnType<typeof import("./course.js").course>} way
 * @param {import("./part.js").Part} part
 * @param {import("./dial.js").Options} options
 * @param {{ renew: () => Promise<string | undefined> }} dial Asks for a newer token.
 */
export declare function stay(way: ReturnType<typeof import("./course.js").course>, part: import("./part.js").Part, { reconnect }: import("./dial.js").Options, dial: {
    renew: () => Promise<string | undefined>;
}): {
    /** A frame came, or a text that is none. @param {any} frame @param {boolean} isAnswer Whether it is the answer of the room. */
    hear(frame: any, isAnswer: boolean): void;
    /** Bytes came, of a frame that is not whole. @param {number} at */
    heard: (at: number) => void;
    /** The connection is in the room, and the answer took `counts.roundTripMs`. @param {number} askedOn When it was asked, by the time of day. */
    entered(askedOn: number): void;
    isChecking: () => boolean;
    /** @param {string} text */
    sent: (text: string) => number;
    /** @param {number} upTo */
    proven: (upTo: number) => void;
    doubt: (cause: Cause) => void;
    /** Another status was told. */
    look: () => void;
    /** The connection is gone. */
    cut(): void;
    /** How long to wait for the next attempt besides, in milliseconds. @param {number} told How long the server wants not to be asked. */
    delay(told: number): number;
    /** There will be no other connection. */
    end: () => void;
};
