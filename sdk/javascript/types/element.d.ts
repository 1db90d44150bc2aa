/** What there is to inherit from; a server that renders pages has no elements. @type {typeof HTMLElement} */
declare const Base: typeof HTMLElement;
/**
 * Shows the first parameter of what a key holds, or that at the index `param`; while nothing holds, what stands in the element.
 * Other attributes are `server` (default `/broadcasting`), `room` and `key`; `status` tells the name of the status. All may change.
 */
export declare class RtbValue extends Base {
    #private;
    /** What all elements hand to `watch`, such as a `token`: to be told before the first one is in the page. @type {import("./viewer.js").ViewerOptions} */
    static options: import("./viewer.js").ViewerOptions;
    static observedAttributes: string[];
    connectedCallback(): void;
    disconnectedCallback(): void;
    attributeChangedCallback(): void;
}
export {};
