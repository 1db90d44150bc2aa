export type Cause = "shown" | "woken" | "silent";
export type Verdict = "" | "probe" | "lost";
/**
 * The cause of a probe: the page was shown, the machine woke or its network changed, or the server is silent.
 * @typedef {"shown" | "woken" | "silent"} Cause
 */
/**
 * The next action: none, send a probe, or give the connection up.
 * @typedef {"" | "probe" | "lost"} Verdict
 */
/** Returns the check of one connection after another. */
export declare function liveness(): {
    /** Returns the cause of the newest probe. */
    cause: () => Cause;
    /**
     * Begins with a new connection.
     * @param {number} now @param {boolean} can Whether its server answers probes.
     */
    begin(now: number, can: boolean): void;
    /** Sets how long the server may be silent; 0 without a limit. Returns whether that changed. @param {number} ms */
    allow(ms: number): boolean;
    /** Counts sent bytes. Returns how many were sent on this connection. @param {number} now @param {number} bytes */
    sent(now: number, bytes: number): number;
    /** Records that the server has received the first `upTo` bytes. @param {number} now @param {number} upTo */
    proven(now: number, upTo: number): void;
    /** Records how long an answer took. @param {number} ms */
    answered(ms: number): void;
    /**
     * Records received bytes, which restart the timeout of the probe. Only the answer to the probe ends the check: another frame may have
     * waited in a frozen page, and proves nothing about the way to the server.
     * @param {number} now @param {boolean} [isAnswer] Whether they are the answer to the probe.
     */
    received(now: number, isAnswer?: boolean): void;
    /** Returns whether a probe is unanswered for so long that the status is `checking`. @param {number} now */
    isChecking: (now: number) => boolean;
    /**
     * Returns whether to send a probe, since the connection may be dead.
     * @param {number} now @param {Cause} cause @returns {Verdict}
     */
    doubt(now: number, cause: Cause): Verdict;
    /** Returns whether the machine slept, which a caller may notice before the timer does. @param {number} now @param {number} wall The time of day. */
    isLate: (now: number, wall: number) => boolean;
    /**
     * Returns the next action when the timer fires.
     * @param {number} now @param {number} wall The time of day, which also counts while the machine sleeps.
     * @param {number} bytes The number of unsent bytes in the socket.
     * @param {boolean} isHidden Whether timers may fire only once a minute.
     * @param {boolean} [isTimer] False if the caller noticed that the timer should have fired long ago.
     * @returns {Verdict}
     */
    tick(now: number, wall: number, bytes: number, isHidden: boolean, isTimer?: boolean): Verdict;
    /**
     * Returns the time until the timer has to fire, in milliseconds; `Infinity` for never.
     * @param {number} now @param {boolean} isSeen Whether the page is visible.
     */
    next(now: number, isSeen: boolean): number;
};
