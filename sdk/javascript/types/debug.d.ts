/**
 * Returns a class that logs what its sockets carry.
 * @param {any} Socket
 * @param {string} level `contents` shows frames as they are, but for secrets; anything else their kind and length.
 * @param {(line: string) => void} log
 */
export declare function logged(Socket: any, level: string, log: (line: string) => void): {
    new (...terms: any[]): {
        [x: string]: any;
        /** @param {any} text */
        send(text: any): void;
    };
    [x: string]: any;
};
