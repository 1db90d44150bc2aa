// Checks and sends the signals of viewers. Must not know how a program learns of the result.

import { bytesOf, isOver, LIMITS, refusalCode, textOf } from "./validation.js";

/** The number of unsent bytes in a socket from which on signals are refused with `busy`. */
const STALE_BYTES_MAX = 65_536;

/**
 * How many signals each link may send now, and when that was computed.
 * @type {WeakMap<object, [credit: number, at: number]>}
 */
const credits = new WeakMap();

/**
 * Sends a signal. Returns the code with which the server would refuse it, or why it cannot be sent; `undefined` if it was sent.
 * @param {{ link: { send: (text: string) => number, backlog: () => number }, limits: () => import("./validation.js").Limits | undefined }} connection
 * @param {any} key
 * @param {string | undefined} text The JSON of the parameters, if they have one.
 */
export function signal({ link, limits: limitsOf }, key, text) {
  const now = performance.now();
  const limits = limitsOf() ?? LIMITS;
  const { signalBytes, signalsPerSecond = 1e9 } = limits;
  const [before, at] = credits.get(link) ?? [0, -Infinity];
  const credit = Math.min(signalsPerSecond, before + ((now - at) * signalsPerSecond) / 1_000);
  const frame = `{"type":"signal","key":${textOf([key])?.slice(1, -1)},"params":${text}}`;
  const code =
    refusalCode(key, text?.[0] === "[" ? text : undefined, frame, limits) ||
    (isOver(bytesOf(text ?? ""), signalBytes) ? "too_big"
    : credit < 1 ? "rate"
    : link.backlog() === Infinity ? "offline"
    : link.backlog() >= STALE_BYTES_MAX ? "busy"
    : !link.send(frame) ? "offline"
    : undefined);
  credits.set(link, [code ? credit : credit - 1, now]);
  return code;
}
