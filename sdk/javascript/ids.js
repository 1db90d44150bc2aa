// Makes unique ids. Must not know what they identify.

/** Returns a function that returns unique ids: 64 random bits, so that no two clients have the same, and a count. */
export function ids() {
  const prefix = crypto.getRandomValues(new Uint32Array(2)).join("-");
  let count = 0;
  return () => `${prefix}-${++count}`;
}
