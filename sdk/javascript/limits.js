// How much and how long at most, whatever a server says. Must not know what is limited.

/** How much the state and one more frame may be, in characters of the frames: sixteen times what a server keeps by default. */
export const STATE_BYTES_MAX = 16_777_216;

/** A socket that has this many bytes to send, or more, gets no more: as many as all messages that may be on their way. */
export const BACKLOG_BYTES_MAX = 67_108_864;

/** A socket in which more bytes wait gets nothing that nobody will ask for again. */
export const STALE_BYTES_MAX = 65_536;

/** After which time without its acknowledgement a message makes the connection doubtful, in milliseconds. */
export const UNACKED_MS = 2_000;

/** How many messages are on their way at most; a server remembers 4 096 ids. */
export const UNACKED_MAX = 1_024;

/** How many values wait at most, each the newest of its key. */
export const WAITING_MAX = 4_096;

/** The longest time that a server may tell, in milliseconds: an hour. */
export const TIME_MS_MAX = 3_600_000;

/** How long a value waits at most where nothing is drawn, in milliseconds. */
export const FRAME_MS = 50;

/** How long a newer cursor waits to be written into a storage, in milliseconds. */
export const WRITE_MS = 1_000;

/** How long an acknowledgement may take by default, in milliseconds. */
export const TIMEOUT_MS = 30_000;

/** The longest time that timers count, in milliseconds: a longer one would end at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** `setTimeout` for a time that somebody else chose. @param {() => void} func @param {number} ms */
export const later = (func, ms) => setTimeout(func, Math.min(ms, TIMER_MS_MAX));

/** Whether a value is a time, which may be endless. @param {any} ms */
export const isTime = (ms) => ms > 0;

/** @param {any} value @param {number} least */
export const isWhole = (value, least) => Number.isSafeInteger(value) && value >= least;
