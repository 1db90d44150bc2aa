/**
 * Returns the log that the option `debug` asks for.
 * @param {any} debug
 * @param {(error: unknown) => void} uncaught Reports an error that the program's log function throws.
 */
export declare function lines(debug: any, uncaught: (error: unknown) => void): {
    say: (line: string) => void;
    /** Returns a class that logs the frames of its sockets, or `Socket` itself if frames are not to be logged. @param {any} Socket */
    logged: (Socket: any) => any;
};
