// Names that no other client has. Must not know what is named.

/** Names for requests: 64 random bits, so that no two clients have the same, and a count. */
export function ids() {
  const prefix = crypto.getRandomValues(new Uint32Array(2)).join("-");
  let count = 0;
  return () => `${prefix}-${++count}`;
}
