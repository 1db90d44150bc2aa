// The differences between viewers and owners on a connection. Types only.

/**
 * A client's role: the functions by which viewers and owners differ on a connection.
 * @typedef {object} Role
 * @property {(token: string | undefined) => object} enter Returns the request that enters the room on a new connection, without an `id`.
 * @property {(WebSocket: any, address: string) => Promise<any>} [socket] Returns the class to connect with instead of this one.
 * @property {(frame: any) => import("./failure.js").End | void} refused Takes the refusal of the request. Returns how the connection ends,
 *   or nothing if `enter` has another request.
 * @property {(frame: any) => string | void} receive Takes any other frame. Returns a reason to close the connection, if there is one.
 * @property {() => number} size Returns the size of the state that it holds, in characters of frames.
 * @property {() => string} position Returns the name of the status in the room; empty until all of the state has come.
 * @property {() => object} more Returns the other members of that status.
 * @property {() => void} cut Forgets what belongs to the lost connection.
 * @property {(reason: string, code: number) => unknown} [lost] Handles a lost connection. Returns whether not to reconnect.
 * @property {() => boolean | void} [hide] Sends queued messages, since the page is left. Returns whether `again` will be called when the page
 *   is shown again.
 * @property {() => void} [flush] Sends queued messages, since the page is hidden.
 * @property {(isPaused: boolean) => void} [pause] Records that the server was asked to pause, or to resume. Without this function a client
 *   does not pause while its page is hidden.
 * @property {(status: import("./status.js").Status) => void} onStatus Takes each new status.
 */

export {};
