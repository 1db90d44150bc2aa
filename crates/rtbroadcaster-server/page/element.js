// Returns the elements of a page by their ids.

/** @param {string} id */
export const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {string} id */
export const input = (id) => /** @type {HTMLInputElement} */ (element(id));

/** @param {string} id */
export const button = (id) => /** @type {HTMLButtonElement} */ (element(id));
