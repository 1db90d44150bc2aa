/**
 * Returns the WebSocket address of `url`, which may be relative to the page and may begin with http. Throws if `url` is invalid.
 * @param {string | URL} url
 * @returns {string}
 */
export declare function addressOf(url: string | URL): string;
/**
 * Returns the WebSocket address of `url`, or an empty string if `url` is invalid.
 * @param {string | URL} url
 */
export declare function knownAddressOf(url: string | URL): string;
/** Returns the room that the page's own address names with `?uuid=`, or an empty string. */
export declare function roomOfPage(): string;
