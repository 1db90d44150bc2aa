export type Inspected = Pick<import("./viewer.js").Viewer<any>, "id" | "status" | "state" | "entered" | "bufferedAmount" | "stats" | "reconnect"> & {
    audience: {
        value: any;
    };
    listen: (name: any, func: (...values: any[]) => void, options?: import("./ears.js").ListenOptions) => () => void;
};
export type InspectOptions = {
    /**
     * How many messages are shown at most. Default 50.
     */
    messages?: number;
    /**
     * Whether it takes the keyboard's focus, such as when a key opened it. Default false.
     */
    focus?: boolean;
    /**
     * Where it is put. Default the page's body.
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
 * Shows an overlay with the room's status, its connection, its state and the newest messages. Escape closes it while it has the focus.
 * Everything that came over the network is shown as text.
 * @param {Inspected} room A viewer or an owner.
 * @param {InspectOptions} [options]
 * @returns {() => void} Removes the overlay and everything that it listened to.
 */
export declare function inspect(room: Inspected, { messages: most, focus, parent }?: InspectOptions): () => void;
