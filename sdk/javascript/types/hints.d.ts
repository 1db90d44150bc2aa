export type Hint = {
    name: "offline" | "permission" | "unreachable" | "timeout" | "refused";
    /**
     * The address at which the server says that it is well: a person who opens it sees what the browser sees.
     */
    health: string;
};
/**
 * Returns the address at which a server says that it is well.
 * @param {string | URL} url Where clients connect to.
 */
export declare function healthOf(url: string | URL): string;
/**
 * Asks why there is no connection. Never rejects.
 * @param {string | URL} url
 * @param {{ reason?: string }} status That of a client which is `connecting`, and has a reason.
 * @returns {Promise<Hint>}
 */
export declare function hint(url: string | URL, { reason }: {
    reason?: string;
}): Promise<Hint>;
