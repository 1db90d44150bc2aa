/**
 * Returns what an option `debug` wants.
 * @param {any} debug
 * @param {(error: unknown) => void} uncaught Reports what a log throws.
 */
export declare function lines(debug: any, uncaught: (error: unknown) => void): {
    say: (line: string) => void;
    /** Returns a class that logs what its sockets carry, if that is wanted. @param {any} Socket */
    logged: (Socket: any) => any;
};
