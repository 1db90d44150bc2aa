// What a server of version 2 may say. The only place that looks at a frame by itself: one that cannot be used is none, and every
// number is within its bounds. Must not know rooms, sockets or what was said before.

import { isWhole, TIME_MS_MAX } from "./limits.js";

/**
 * Returns the frame that a text is; `undefined` if it is none that can be used.
 * @param {string} text
 * @returns {any}
 */
export function read(text) {
  try {
    const frame = JSON.parse(text);
    for (const name in frame) {
      const value = frame[name];
      if (/(alive|next|In)Ms$/.test(name)) frame[name] = Math.max(0, Math.min(value, TIME_MS_MAX)) || 0;
      // Others are for newer clients.
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
