/**
 * Says a signal, or gives the code with which the server would refuse it.
 * @param {{ way: { send: (text: string) => number, backlog: () => number }, limits: () => import("./grammar.js").Limits | undefined }} watching
 * @param {any} key
 * @param {string | undefined} text That of the parameters, if they are something that has one.
 */
export declare function signal({ way, limits: told }: {
    way: {
        send: (text: string) => number;
        backlog: () => number;
    };
    limits: () => import("./grammar.js").Limits | undefined;
}, key: any, text: string | undefined): "bad_message" | "busy" | "offline" | "rate" | "too_big" | undefined;
