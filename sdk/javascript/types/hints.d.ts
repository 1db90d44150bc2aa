export type Hint = {
    name: "offline" | "permission" | "unreachable" | "timeout" | "refused";
    /**
     * The address of the server's health check, for the user to open in the browser.
     */
    health: string;
};
/**
 * Returns the address of a server's health check.
 * @param {string | URL} url The address that clients connect to.
 */
export declare function healthOf(url: string | URL): string;
/**
 * Finds out why a client cannot connect: requests the server's health check, with a timeout of 5 s. Never rejects if `url` is valid.
 * @param {string | URL} url The address that the client connects to.
 * @param {{ reason?: string }} status The status of the client, which is `connecting` and has a reason.
 * @returns {Promise<Hint>}
 */
export declare function hint(url: string | URL, { reason }: {
    reason?: string;
}): Promise<Hint>;
