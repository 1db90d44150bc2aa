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
     * How long the newest answer took, in milliseconds.
     */
    roundTripMs?: number;
    /**
     * How many connections were begun.
     */
    attempts: number;
    /**
     * How many of them came into the room.
     */
    connections: number;
    /**
     * When the newest frame came, as `Date.now()` counts.
     */
    lastFrameAt?: number;
    /**
     * How many bytes wait in the socket.
     */
    bufferedAmount: number;
};
/**
 * Where an end stands.
 *
 * - `connecting`: has never been in the room. With a `reason` the last attempt failed
 * - `live`: everything that was said is here
 * - `away`: the same, but the owner is away, since `since` as `Date.now()` counts, if the server tells it
 * - `lagging`: in the room, but newer values may not have come
 * - `checking`: in the room, but the server was asked whether the connection still stands, and has not answered for 1.5 s
 * - `resuming`: the connection was lost, or what was missed is just coming
 * - `elsewhere`: another window or device owns the room: it took it over (`fenced`) or had it first (`in_use`). `reconnect()`
 *   takes it back
 * - `closed`: over; `comesBack` says whether it would be worth another try. With 1009 and `size` the server sent more state, or a
 *   larger frame, than a client holds
 *
 * `code` and `reason` tell how the last connection ended, `retryInMs` when the next attempt begins, if one is planned. `reset`: events
 * (of an owner: acknowledged messages) are lost, and why. `how`: of an owner, whether its room is a new one, the one that it had, or a
 * new one since the one that it had is over. `why`: why the room ended (`owner`, `grace`, `idle`, `admin`, `fault` or `restart`), if the
 * server tells it.
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
/** @template {string} K @typedef {{ [N in K]?: undefined }} Without What another status has; so that each one can be taken apart. */
/**
 * What is known of a connection, for people who look for a fault.
 * @typedef {object} Stats
 * @property {number} [roundTripMs] How long the newest answer took, in milliseconds.
 * @property {number} attempts How many connections were begun.
 * @property {number} connections How many of them came into the room.
 * @property {number} [lastFrameAt] When the newest frame came, as `Date.now()` counts.
 * @property {number} bufferedAmount How many bytes wait in the socket.
 */
export {};
