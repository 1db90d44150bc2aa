/**
 * Returns the questions on one connection after another.
 * @template Asker
 */
export declare function questions<Asker>(): {
    /** How many are not answered. */
    count: () => number;
    /** One is asked. @param {string} id */
    ask: (id: string) => undefined;
    /** Somebody waits for the answer to the newest one. @param {Asker} asker @param {string} id What this one calls it. */
    wait: (asker: Asker, id: string) => undefined;
    /** A signal was said; `id` is the question behind it, empty if there is none. @param {Asker} asker @param {string} id */
    signal(asker: Asker, id: string): void;
    /** Returns who waits for this answer. @param {string} id */
    answer(id: string): {
        asker: Asker;
        id: string;
    }[];
    /** Returns who said the signal that is refused now. */
    refuse: () => Asker | undefined;
    /** The connection is gone. */
    clear(): void;
};
