// Waiting with a limit. Must not know for what.

/** What a step waits at most, in milliseconds. */
export const DEADLINE_MS = 5_000;

/** The promise's outcome, or an error after the deadline. */
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
