/**
 * Returns the unanswered pings on one connection after another.
 * @template Asker
 */
export declare function pings<Asker>(): {
    /** Returns the number of unanswered pings. */
    count: () => number;
    /** Records a ping that was sent. @param {string} id */
    ask: (id: string) => undefined;
    /** Has a tab wait for the answer to the newest ping. @param {Asker} asker @param {string} id The id of the tab's own ping. */
    wait: (asker: Asker, id: string) => undefined;
    /** Records a signal that was sent. @param {Asker} asker @param {string} id The ping after it; empty if there is none. */
    signal(asker: Asker, id: string): void;
    /** Returns the tabs that wait for this pong. @param {string} id */
    answer(id: string): {
        asker: Asker;
        id: string;
    }[];
    /** Returns the tab whose signal is refused now. */
    refuse: () => Asker | undefined;
    /** Forgets all pings and signals, since the connection is lost. */
    clear(): void;
};
