export type Status = {
    name: "connecting" | "live" | "away" | "lagging" | "checking" | "resuming" | "elsewhere" | "closed";
    code?: number;
    reason?: string;
    /**
     * When the next attempt begins. Absent if none is planned.
     */
    retryInMs?: number;
    comesBack?: boolean;
    /**
     * Since when the owner is away, as `Date.now()` counts, if the server tells it.
     */
    since?: number;
    /**
     * In the room: events (of an owner: acknowledged messages) are lost, and why.
     */
    reset?: string;
    /**
     * Of an owner in its room: it is a new one, the one that it had, or a new one
     * since the one that it had is over.
     */
    how?: "created" | "found" | "replaced";
    /**
     * Why the room ended: `owner`, `grace`, `idle`, `admin`, `fault` or `restart`, if the server tells it.
     */
    why?: string;
};
/**
 * Where an end stands. `code` and `reason` tell how the last connection ended.
 *
 * - `connecting`: has never been in the room
 * - `live`: everything that was said is here
 * - `away`: the same, but the owner is away, since `since`
 * - `lagging`: in the room, but newer values may not have come
 * - `checking`: in the room, but the server was asked whether the connection still stands, and has not answered for 1.5 s
 * - `resuming`: the connection was lost, or what was missed is just coming
 * - `elsewhere`: another window or device owns the room: it took it over (`fenced`) or had it first (`in_use`). `reconnect()`
 *   takes it back
 * - `closed`: over; `comesBack` says whether it would be worth another try. With 1009 and `size` the server sent more state, or a
 *   larger frame, than a client holds
 * @typedef {object} Status
 * @property {"connecting" | "live" | "away" | "lagging" | "checking" | "resuming" | "elsewhere" | "closed"} name
 * @property {number} [code]
 * @property {string} [reason]
 * @property {number} [retryInMs] When the next attempt begins. Absent if none is planned.
 * @property {boolean} [comesBack]
 * @property {number} [since] Since when the owner is away, as `Date.now()` counts, if the server tells it.
 * @property {string} [reset] In the room: events (of an owner: acknowledged messages) are lost, and why.
 * @property {"created" | "found" | "replaced"} [how] Of an owner in its room: it is a new one, the one that it had, or a new one
 *   since the one that it had is over.
 * @property {string} [why] Why the room ended: `owner`, `grace`, `idle`, `admin`, `fault` or `restart`, if the server tells it.
 */
export {};
