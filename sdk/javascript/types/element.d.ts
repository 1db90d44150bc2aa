/** The base class. A server that renders pages has no `HTMLElement`. @type {typeof HTMLElement} */
declare const Base: typeof HTMLElement;
/**
 * Shows the first parameter of a key's value, or the parameter at the index `param`. While the key has no value, it shows its own children.
 * The other attributes are `server` (default `/broadcasting`), `room` and `key`. All of them may change. The element sets `status` to the
 * name of its status.
 */
export declare class RtbValue extends Base {
    #private;
    /**
     * The options with which all elements call `watch`, such as a `token`. Set them before the first element is in the page.
     * @type {import("./viewer.js").ViewerOptions}
     */
    static options: import("./viewer.js").ViewerOptions;
    static observedAttributes: string[];
    connectedCallback(): void;
    disconnectedCallback(): void;
    attributeChangedCallback(): void;
}
export {};
