export type Row = {
    time: string;
    mark: string;
    late?: boolean;
    key: string;
    text: string;
};
/**
 * @typedef {{ time: string, mark: string, late?: boolean, key: string, text: string }} Row
 */
/**
 * Adds a panel to the page, and returns it.
 * @param {Element} parent
 * @param {string} label
 * @param {{ signal: AbortSignal, close: () => void, reconnect: () => void }} does
 */
export declare function panelOf(parent: Element, label: string, { signal, close, reconnect }: {
    signal: AbortSignal;
    close: () => void;
    reconnect: () => void;
}): {
    /** @param {string} text @param {string} more */
    status(text: string, more: string): void;
    /** @param {string[][]} pairs */
    facts(pairs: string[][]): void;
    /** @param {string[][]} pairs @param {number} size How many keys there are; not all may be shown. */
    state(pairs: string[][], size: number): void;
    /** @param {Row[]} rows The newest first. */
    messages(rows: Row[]): void;
    /** @param {boolean} is */
    isOver(is: boolean): void;
    focus: () => void;
    remove(): void;
};
