/**
 * Sends a signal. Returns the code with which the server would refuse it, or why it cannot be sent; `undefined` if it was sent.
 * @param {{ link: { send: (text: string) => number, backlog: () => number }, limits: () => import("./validation.js").Limits | undefined }} connection
 * @param {any} key
 * @param {string | undefined} text The JSON of the parameters, if they have one.
 */
export declare function signal({ link, limits: limitsOf }: {
    link: {
        send: (text: string) => number;
        backlog: () => number;
    };
    limits: () => import("./validation.js").Limits | undefined;
}, key: any, text: string | undefined): "bad_message" | "busy" | "offline" | "rate" | "too_big" | undefined;
