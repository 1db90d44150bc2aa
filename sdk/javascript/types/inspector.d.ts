export type Inspected = Pick<import("./viewer.js").Viewer<any>, "id" | "status" | "state" | "entered" | "bufferedAmount" | "stats" | "reconnect"> & {
    audience: {
        value: any;
    };
    listen: (name: any, func: (...values: any[]) => void, options?: import("./listeners.js").ListenOptions) => () => void;
};
export type InspectOptions = {
    /**
     * The maximum number of messages shown. Default 50.
     */
    messages?: number;
    /**
     * Whether to move the keyboard focus to the overlay, such as when a key opened it. Default false.
     */
    focus?: boolean;
    /**
     * The parent element of the overlay. Default the page's body.
     */
    parent?: Element;
};
export type Entry = {
    at: number;
    mark: string;
    key: string;
    params?: any;
    late?: boolean;
};
/**
 * Shows an overlay with the room's status, connection, state and newest messages. Escape closes it while it has the focus. All content
 * from the network is shown as text.
 * @param {Inspected} room A viewer or an owner.
 * @param {InspectOptions} [options]
 * @returns {() => void} Removes the overlay and its listeners.
 */
export declare function inspect(room: Inspected, { messages: most, focus, parent }?: InspectOptions): () => void;
