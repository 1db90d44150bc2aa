/**
 * Returns a class that connects as `Socket` does, and what uses its newest connection.
 * @param {any} Socket
 * @param {{ sent: (text: string) => void, heard: (text: string) => void }} told `sent`: before something is sent. `heard`: a frame came, and
 *   the user of the socket has taken it and goes on.
 * @returns {{ WebSocket: any, send: (text: string) => void, backlog: () => number }}
 */
export declare function tapped(Socket: any, { sent, heard }: {
    sent: (text: string) => void;
    heard: (text: string) => void;
}): {
    WebSocket: any;
    send: (text: string) => void;
    backlog: () => number;
};
