export type Cause = "shown" | "woken" | "silent";
export type Verdict = "" | "probe" | "lost";
/**
 * Why a connection is doubted: the page was shown, something happened to the machine or its network, or the server is silent.
 * @typedef {"shown" | "woken" | "silent"} Cause
 */
/**
 * What to do: send a probe, or give the connection up.
 * @typedef {"" | "probe" | "lost"} Verdict
 */
/** Returns what watches one connection after another. */
export declare function liveness(): {
    /** Why the newest probe was sent. */
    cause: () => Cause;
    /**
     * A connection is new, and answers probes or not.
     * @param {number} now @param {boolean} can
     */
    begin(now: number, can: boolean): void;
    /** How long the server may be silent from now on; 0 for ever. Returns whether that is new. @param {number} ms */
    allow(ms: number): boolean;
    /** So many bytes were sent. Returns how many that are in all on this connection. @param {number} now @param {number} bytes */
    sent(now: number, bytes: number): number;
    /** The server has what was sent up to there. @param {number} now @param {number} upTo */
    proven(now: number, upTo: number): void;
    /** Something that was asked was answered after this time. @param {number} ms */
    answered(ms: number): void;
    /**
     * A frame came, or bytes of one. Whatever it is, the connection is not given up before the patience is over once more. Only the
     * answer to the probe ends the check: another frame may have waited in a page that was frozen, and tells nothing of the way there.
     * @param {number} now @param {boolean} [isAnswer]
     */
    heard(now: number, isAnswer?: boolean): void;
    /** Whether a probe waits for its answer for so long that the status has to say so. @param {number} now */
    isChecking: (now: number) => boolean;
    /**
     * Something happened that makes the connection doubtful.
     * @param {number} now @param {Cause} cause @returns {Verdict}
     */
    doubt(now: number, cause: Cause): Verdict;
    /** Whether time was lost, be it before the timer tells so. @param {number} now @param {number} wall The time of day. */
    isLate: (now: number, wall: number) => boolean;
    /**
     * The timer fired.
     * @param {number} now @param {number} wall The time of day, which goes on while the machine sleeps.
     * @param {number} bytes How many of ours wait in the socket.
     * @param {boolean} isHidden Whether timers may fire once a minute only.
     * @param {boolean} [isTimer] False if something else found that it should have fired long ago.
     * @returns {Verdict}
     */
    tick(now: number, wall: number, bytes: number, isHidden: boolean, isTimer?: boolean): Verdict;
    /**
     * In which time the timer has to fire; `Infinity` for never.
     * @param {number} now @param {boolean} isSeen Whether somebody looks at the page.
     */
    next(now: number, isSeen: boolean): number;
};
