/** How much the state and one more frame may be, in characters of the frames: sixteen times what a server keeps by default. */
export declare const STATE_BYTES_MAX = 16777216;
/** A socket that has this many bytes to send, or more, gets no more: as many as all messages that may be on their way. */
export declare const BACKLOG_BYTES_MAX = 67108864;
/** A socket in which more bytes wait gets nothing that nobody will ask for again. */
export declare const STALE_BYTES_MAX = 65536;
/** After which time without its acknowledgement a message makes the connection doubtful, in milliseconds. */
export declare const UNACKED_MS = 2000;
/** How many messages are on their way at most; a server remembers 4 096 ids. */
export declare const UNACKED_MAX = 1024;
/** How many values wait at most, each the newest of its key. */
export declare const WAITING_MAX = 4096;
/** The longest time that a server may tell, in milliseconds: an hour. */
export declare const TIME_MS_MAX = 3600000;
/** How long a value waits at most where nothing is drawn, in milliseconds. */
export declare const FRAME_MS = 50;
/** How long a newer cursor waits to be written into a storage, in milliseconds. */
export declare const WRITE_MS = 1000;
/** How long an acknowledgement may take by default, in milliseconds. */
export declare const TIMEOUT_MS = 30000;
/** `setTimeout` for a time that somebody else chose. @param {() => void} func @param {number} ms */
export declare const later: (func: () => void, ms: number) => number;
/** Whether a value is a time, which may be endless. @param {any} ms */
export declare const isTime: (ms: any) => boolean;
/** @param {any} value @param {number} least */
export declare const isWhole: (value: any, least: number) => boolean;
