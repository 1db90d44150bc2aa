/** Returns a function that returns unique ids: 64 random bits, so that no two clients have the same, and a count. */
export declare function ids(): () => string;
