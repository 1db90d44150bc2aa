// Parses and checks frames of version 2: the only place that does so. A frame with members of wrong types is dropped, and every number
// is within its bounds. Must not know rooms, sockets or earlier frames.

import { isWhole, TIME_MS_MAX } from "./limits.js";

/**
 * Returns the frame of a text, or `undefined` if the text is not a valid frame.
 * @param {string} text
 * @returns {any}
 */
export function read(text) {
  try {
    const frame = JSON.parse(text);
    for (const name in frame) {
      const value = frame[name];
      if (/(alive|next|In)Ms$/.test(name)) frame[name] = Math.max(0, Math.min(value, TIME_MS_MAX)) || 0;
      // Unknown members are for newer clients.
      else if (
        /^(type|id|room|ownerKey|epoch|key|code|message|why)$/.test(name) ? typeof value !== "string"
        : /^(seq|replay|through|until|term|viewers|lagging|(grace|away)Ms)$/.test(name) ? !isWhole(value, 0)
        : /^(params|counts)$/.test(name) && !Array.isArray(value)
      ) return;
    }
    frame.size = text.length;
    if (frame.type === "message" ? frame.key && frame.params : frame.type) return frame;
  } catch {}
}
