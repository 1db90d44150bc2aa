// What a viewer and an owner do differently on their way into a room. Types only.

/**
 * What the two ends do differently.
 * @typedef {object} Part
 * @property {(token: string | undefined) => object} enter The request that enters the room, on a new connection. Its `id` is ours.
 * @property {(WebSocket: any, address: string) => Promise<any>} [socket] Returns what connects instead of this class.
 * @property {(frame: any) => import("./failure.js").End | void} refused Takes the refusal of a request with an `id` of ours. An
 *   answer ends the connection; without one `enter` is asked again.
 * @property {(frame: any) => string | void} hear Takes any other frame. A word ends the connection.
 * @property {() => number} size How much it holds of what the server said.
 * @property {() => string} position The status while it is in the room; empty while it is not all in.
 * @property {() => object} more What else is to be told of that status.
 * @property {() => void} cut The connection is gone.
 * @property {(reason: string, code: number) => unknown} [lost] The connection is lost with this word and code. Returns whether nothing
 *   follows from that by itself.
 * @property {() => boolean | void} [hide] The page is left: says now what waits. Returns whether `again` will be called when the page
 *   comes back.
 * @property {() => void} [flush] Nobody sees the page any more: says now what waits.
 * @property {(isPaused: boolean) => void} [pause] Nothing will be sent from here on, or it is asked what was missed. Where it is there, an
 *   end that nobody sees is paused.
 * @property {(status: import("./status.js").Status) => void} tell Hears each status.
 */

export {};
