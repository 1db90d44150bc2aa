/** The maximum size of the state and one more frame, in characters of frames: sixteen times a server's default limit of the state. */
export declare const STATE_BYTES_MAX = 16777216;
/** The number of unsent bytes in a socket from which on no more is written to it: as much as all unacknowledged messages may have. */
export declare const BACKLOG_BYTES_MAX = 67108864;
/** The number of unsent bytes in a socket above which ephemeral messages and signals are dropped. */
export declare const STALE_BYTES_MAX = 65536;
/** How long a message may be unacknowledged before the client checks the connection, in milliseconds. */
export declare const UNACKED_MS = 2000;
/** The maximum number of unacknowledged messages; a server remembers 4 096 ids. */
export declare const UNACKED_MAX = 1024;
/** The maximum number of queued values, each the newest of its key. */
export declare const WAITING_MAX = 4096;
/** The longest time that a server may set, in milliseconds: an hour. */
export declare const TIME_MS_MAX = 3600000;
/** The maximum time that a value waits for an animation frame, in milliseconds. */
export declare const FRAME_MS = 50;
/** The delay before a newer cursor is written to a storage, in milliseconds. */
export declare const WRITE_MS = 1000;
/** The default timeout of an acknowledgement, in milliseconds. */
export declare const TIMEOUT_MS = 30000;
/** Calls `setTimeout` with a time from outside, which may be too long for it. @param {() => void} func @param {number} ms */
export declare const setTimer: (func: () => void, ms: number) => number;
/** Returns whether a value is a time above 0, or `Infinity`. @param {any} ms */
export declare const isTime: (ms: any) => boolean;
/** Returns whether a value is a safe integer of at least `least`. @param {any} value @param {number} least */
export declare const isWhole: (value: any, least: number) => boolean;
