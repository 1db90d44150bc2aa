// Composables for Vue 3.3 and later: a room, its status and the values of its keys as refs. Must not know sockets.

import { computed, getCurrentInstance, onMounted, shallowRef, toValue, watch } from "vue";
import { own } from "./host.js";
import { watch as follow } from "./viewer.js";

/**
 * @typedef {import("./viewer.js").AnyMessages} AnyMessages
 * @typedef {import("./viewer.js").Status} Status
 * @typedef {import("./viewer.js").ViewerOptions} ViewerOptions
 * @typedef {import("./owner.js").HostOptions} HostOptions
 */

/** @template M @typedef {import("./viewer.js").Viewer<M>} Viewer */

/** @template M @typedef {import("./owner.js").Host<M>} Host */

/** @template T @typedef {import("vue").ComputedRef<T>} ComputedRef */

/** @template T @typedef {import("vue").MaybeRefOrGetter<T>} MaybeRefOrGetter */

/** @type {Status} */
const CONNECTING = Object.freeze({ name: "connecting" });

/**
 * Returns a ref of the present content of the value that `value` returns, or of `otherwise`.
 * @template T
 * @param {() => import("./listeners.js").Value<T> | undefined} value
 * @param {T} otherwise
 * @returns {ComputedRef<T>}
 */
function refOf(value, otherwise) {
  const changes = shallowRef(0);
  // Synchronous: a value must not change between reading it and subscribing to it.
  watch(value, (now, _, onCleanup) => now && onCleanup(now.subscribe(() => changes.value++)), { immediate: true, flush: "sync" });
  return computed(() => (changes.value, value()?.value ?? otherwise));
}

/**
 * Returns refs of the viewer or owner that `begin` returns for an address and an id, while there is an id and the component is mounted.
 * @param {MaybeRefOrGetter<string | URL>} url
 * @param {MaybeRefOrGetter<string | null | undefined>} id
 * @param {(url: string | URL, id: any) => any} begin
 */
function clientOf(url, id, begin) {
  // `onMounted` does not run on a server. A scope without a component, such as that of a store, begins at once.
  const isThere = shallowRef(!getCurrentInstance());
  if (!isThere.value) onMounted(() => (isThere.value = true));
  const wanted = computed(() => isThere.value && toValue(id) && `${toValue(url)} ${toValue(id)}`);
  /** @type {import("vue").ShallowRef<any>} */
  const held = shallowRef();
  watch(wanted, (wanted, _, onCleanup) => {
    if (!wanted) return;
    const end = begin(toValue(url), toValue(id));
    held.value = { wanted, end };
    onCleanup(() => end.leave());
  }, { immediate: true });
  // The watcher runs later than the id changes: until then there is no room, rather than the earlier one.
  const room = computed(() => (wanted.value && held.value?.wanted === wanted.value ? held.value.end : undefined));
  return { room, status: refOf(() => room.value?.status, CONNECTING), audience: refOf(() => room.value?.audience, undefined) };
}

/**
 * Watches a room while the component is mounted. `room` is set when the component is mounted; without `id` it waits. Another `url` or `id`
 * begins another room.
 * @template [M=AnyMessages]
 * @param {MaybeRefOrGetter<string | URL>} url
 * @param {MaybeRefOrGetter<string | null | undefined>} id
 * @param {MaybeRefOrGetter<ViewerOptions | undefined>} [options] Read when the room is entered; later changes have no effect.
 * @returns {{ room: ComputedRef<Viewer<M> | undefined>, status: ComputedRef<Status>, audience: ComputedRef<{ viewers: number } | undefined> }}
 */
export function useRoom(url, id, options) {
  return clientOf(url, id, (url, id) => follow(url, id, toValue(options)));
}

/**
 * Owns a room while the component is mounted. `id` is set when the room is created or found.
 * @template [M=AnyMessages]
 * @param {MaybeRefOrGetter<string | URL>} url
 * @param {MaybeRefOrGetter<HostOptions | undefined>} [options] Read when it begins. A getter may use objects that only a browser has.
 * @returns {{ room: ComputedRef<Host<M> | undefined>, id: ComputedRef<string | undefined>, status: ComputedRef<Status>,
 *   audience: ComputedRef<import("./owner.js").Audience | undefined> }}
 */
export function useHost(url, options) {
  const host = clientOf(url, "own", (url) => own(url, toValue(options)));
  // A room gets its id and a status at the same time.
  return { ...host, id: computed(() => (host.status.value, host.room.value?.id || undefined)) };
}

/**
 * Returns a ref of a key's value: its parameters, or `undefined` while it has no value.
 * @template S
 * @template {keyof S & string} K
 * @param {MaybeRefOrGetter<{ state: import("./store.js").State<S> } | undefined>} room A viewer's or an owner's.
 * @param {MaybeRefOrGetter<K>} key
 * @returns {ComputedRef<S[K] | undefined>}
 */
export function useRoomKey(room, key) {
  return refOf(() => toValue(room)?.state.key(toValue(key)), undefined);
}
