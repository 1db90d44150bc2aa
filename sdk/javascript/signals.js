// What a viewer says to the owner, checked before it is sent. Must not know what a program is told.

import { bytesOf, isOver, LIMITS, textOf, wrong } from "./grammar.js";

/** A socket in which more bytes wait gets no signal: nobody will ask for it again. */
const STALE_BYTES_MAX = 65_536;

/**
 * How many signals each connection may say at the moment, and since when.
 * @type {WeakMap<object, [credit: number, at: number]>}
 */
const credits = new WeakMap();

/**
 * Says a signal, or gives the code with which the server would refuse it.
 * @param {{ way: { send: (text: string) => number, backlog: () => number }, limits: () => import("./grammar.js").Limits | undefined }} watching
 * @param {any} key
 * @param {string | undefined} text That of the parameters, if they are something that has one.
 */
export function signal({ way, limits: told }, key, text) {
  const now = performance.now();
  const limits = told() ?? LIMITS;
  const { signalBytes, signalsPerSecond = 1e9 } = limits;
  const [before, at] = credits.get(way) ?? [0, -Infinity];
  const credit = Math.min(signalsPerSecond, before + ((now - at) * signalsPerSecond) / 1_000);
  const said = `{"type":"signal","key":${textOf([key])?.slice(1, -1)},"params":${text}}`;
  const code =
    wrong(key, text?.[0] === "[" ? text : undefined, said, limits) ||
    (isOver(bytesOf(text ?? ""), signalBytes) ? "too_big"
    : credit < 1 ? "rate"
    : way.backlog() === Infinity ? "offline"
    : way.backlog() >= STALE_BYTES_MAX ? "busy"
    : !way.send(said) ? "offline"
    : undefined);
  credits.set(way, [code ? credit : credit - 1, now]);
  return code;
}
