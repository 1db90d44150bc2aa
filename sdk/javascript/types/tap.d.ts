/**
 * Returns a class that connects like `Socket`, and functions for its newest connection.
 * @param {any} Socket
 * @param {{ sent: (text: string) => void, received: (text: string) => void }} observer `sent`: called before a frame is sent. `received`: called
 *   after the user of the socket has taken a frame, and not closed the socket.
 * @returns {{ WebSocket: any, send: (text: string) => void, backlog: () => number }}
 */
export declare function tapped(Socket: any, { sent, received }: {
    sent: (text: string) => void;
    received: (text: string) => void;
}): {
    WebSocket: any;
    send: (text: string) => void;
    backlog: () => number;
};
