// The client's own limits, which no server can raise. Must not know what they limit.

/** The maximum size of the state and one more frame, in characters of frames: sixteen times a server's default limit of the state. */
export const STATE_BYTES_MAX = 16_777_216;

/** The number of unsent bytes in a socket from which on no more is written to it: as much as all unacknowledged messages may have. */
export const BACKLOG_BYTES_MAX = 67_108_864;

/** The number of unsent bytes in a socket above which ephemeral messages and signals are dropped. */
export const STALE_BYTES_MAX = 65_536;

/** How long a message may be unacknowledged before the client checks the connection, in milliseconds. */
export const UNACKED_MS = 2_000;

/** The maximum number of unacknowledged messages; a server remembers 4 096 ids. */
export const UNACKED_MAX = 1_024;

/** The maximum number of queued values, each the newest of its key. */
export const WAITING_MAX = 4_096;

/** The longest time that a server may set, in milliseconds: an hour. */
export const TIME_MS_MAX = 3_600_000;

/** The maximum time that a value waits for an animation frame, in milliseconds. */
export const FRAME_MS = 50;

/** The delay before a newer cursor is written to a storage, in milliseconds. */
export const WRITE_MS = 1_000;

/** The default timeout of an acknowledgement, in milliseconds. */
export const TIMEOUT_MS = 30_000;

/** The longest time of `setTimeout`, in milliseconds: it fires at once for a longer one. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Calls `setTimeout` with a time from outside, which may be too long for it. @param {() => void} func @param {number} ms */
export const setTimer = (func, ms) => setTimeout(func, Math.min(ms, TIMER_MS_MAX));

/** Returns whether a value is a time above 0, or `Infinity`. @param {any} ms */
export const isTime = (ms) => ms > 0;

/** Returns whether a value is a safe integer of at least `least`. @param {any} value @param {number} least */
export const isWhole = (value, least) => Number.isSafeInteger(value) && value >= least;
