/**
 * The WebSocket address of `url`, which may be relative to the page and may begin with http.
 * @param {string | URL} url
 * @returns {string}
 */
export declare function addressOf(url: string | URL): string;
/**
 * The same; an empty string if `url` is none.
 * @param {string | URL} url
 */
export declare function knownAddressOf(url: string | URL): string;
/** The room that the page's own address names with `?uuid=`, or an empty string. */
export declare function roomOfPage(): string;
