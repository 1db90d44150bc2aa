// An event target that keeps the option `signal` as browsers do. Must not know the SDK.

/**
 * Node.js 20 holds the removal of a listener weakly, and only the last one of a target: a garbage collection before the signal aborts lets
 * the other listeners stay for good.
 */
export class BrowserTarget extends EventTarget {
  addEventListener(type, func, options) {
    const { signal, ...rest } = Object(options);
    super.addEventListener(type, func, signal ? rest : options);
    signal?.addEventListener("abort", () => this.removeEventListener(type, func, rest), { once: true });
  }
}
