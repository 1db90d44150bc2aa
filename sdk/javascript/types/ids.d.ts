/** Names for requests: 64 random bits, so that no two clients have the same, and a count. */
export declare function ids(): () => string;
