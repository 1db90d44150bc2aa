// Waits for promises with a timeout. Must not know what they are for.

/** The timeout of a step, in milliseconds. */
export const DEADLINE_MS = 5_000;

/** Settles like the promise, or rejects after the timeout. */
export async function within(promise, what, milliseconds = DEADLINE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing came in ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
