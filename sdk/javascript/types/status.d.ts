export type Status = Readonly<Outside> | Readonly<Inside> | Readonly<Elsewhere> | Readonly<Closed>;
export type Outside = {
    name: "connecting" | "resuming";
    code?: number;
    reason?: string;
    retryInMs?: number;
} & Without<"comesBack" | "why" | Here>;
export type Inside = {
    name: "live" | "away" | "lagging" | "checking";
    since?: number;
    reset?: string;
    how?: "created" | "found" | "replaced";
} & Without<There>;
export type Elsewhere = {
    name: "elsewhere";
    code?: number;
    reason: string;
} & Without<"retryInMs" | "comesBack" | "why" | Here>;
export type Closed = {
    name: "closed";
    code: number;
    reason: string;
    comesBack: boolean;
    why?: string;
} & Without<"retryInMs" | Here>;
export type Here = "since" | "reset" | "how";
export type There = "code" | "reason" | "retryInMs" | "comesBack" | "why";
export type Without<K extends string> = {
    [N in K]?: undefined;
};
export type Stats = {
    /**
     * How long the server's newest answer took, in milliseconds.
     */
    roundTripMs?: number;
    /**
     * The number of attempts to connect.
     */
    attempts: number;
    /**
     * The number of attempts that entered the room.
     */
    connections: number;
    /**
     * When the newest frame came, as `Date.now()`.
     */
    lastFrameAt?: number;
    /**
     * The number of unsent bytes in the socket.
     */
    bufferedAmount: number;
};
/**
 * The status of a viewer or an owner. `name` is one of:
 *
 * - `connecting`: it has never been in the room. With a `reason` the last attempt failed
 * - `live`: in the room, and up to date
 * - `away`: the same, but the owner is away, since the time `since` (as `Date.now()`), if the server sends it
 * - `lagging`: in the room, but newer values may be missing
 * - `checking`: in the room, but the server has not answered a ping for 1.5 s
 * - `resuming`: the connection was lost, or missed messages are being replayed
 * - `elsewhere`: another window or device owns the room. It took the room over (`reason` `fenced`) or had it first (`in_use`).
 *   `reconnect()` takes it back
 * - `closed`: final. `comesBack`: whether a retry makes sense. With the code 1009 and the reason `size` the server sent more state, or a
 *   larger frame, than a client holds
 *
 * `code` and `reason`: how the last connection ended. `retryInMs`: the time until the next attempt, if one is scheduled. `reset`: why events
 * (of an owner: acknowledged messages) are lost. `how`: whether an owner's room is a new one (`created`), the one that it had (`found`), or
 * a new one since that one has ended (`replaced`). `why`: why the room ended (`owner`, `grace`, `idle`, `admin`, `fault` or `restart`), if
 * the server sends it.
 * @typedef {Readonly<Outside> | Readonly<Inside> | Readonly<Elsewhere> | Readonly<Closed>} Status
 */
/** @typedef {{ name: "connecting" | "resuming", code?: number, reason?: string, retryInMs?: number } & Without<"comesBack" | "why" | Here>} Outside */
/**
 * @typedef {{ name: "live" | "away" | "lagging" | "checking", since?: number, reset?: string, how?: "created" | "found" | "replaced" }
 *   & Without<There>} Inside
 */
/** @typedef {{ name: "elsewhere", code?: number, reason: string } & Without<"retryInMs" | "comesBack" | "why" | Here>} Elsewhere */
/** @typedef {{ name: "closed", code: number, reason: string, comesBack: boolean, why?: string } & Without<"retryInMs" | Here>} Closed */
/** @typedef {"since" | "reset" | "how"} Here */
/** @typedef {"code" | "reason" | "retryInMs" | "comesBack" | "why"} There */
/** @template {string} K @typedef {{ [N in K]?: undefined }} Without The members of other statuses, so that a program can destructure any status. */
/**
 * The statistics of a client's connections.
 * @typedef {object} Stats
 * @property {number} [roundTripMs] How long the server's newest answer took, in milliseconds.
 * @property {number} attempts The number of attempts to connect.
 * @property {number} connections The number of attempts that entered the room.
 * @property {number} [lastFrameAt] When the newest frame came, as `Date.now()`.
 * @property {number} bufferedAmount The number of unsent bytes in the socket.
 */
export {};
