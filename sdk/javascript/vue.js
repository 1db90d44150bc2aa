// A room in Vue: its status and the values of its keys as refs that end with the component. Must not know sockets. Needs Vue 3.3 or
// later.

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
 * Returns the newest of a value that may be another one, or `otherwise`.
 * @template T
 * @param {() => import("./ears.js").Value<T> | undefined} value
 * @param {T} otherwise
 * @returns {ComputedRef<T>}
 */
function reading(value, otherwise) {
  const changes = shallowRef(0);
  // At once: no change may happen between reading a value and listening to it.
  watch(value, (now, _, onCleanup) => now && onCleanup(now.subscribe(() => changes.value++)), { immediate: true, flush: "sync" });
  return computed(() => (changes.value, value()?.value ?? otherwise));
}

/**
 * Returns the end that `begin` gives for an address and an id, while the component is there and has an id.
 * @param {MaybeRefOrGetter<string | URL>} url
 * @param {MaybeRefOrGetter<string | null | undefined>} id
 * @param {(url: string | URL, id: any) => any} begin
 */
function inside(url, id, begin) {
  // A server mounts nothing. Where there is no component, such as in a store, its scope is there already.
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
  // The watcher runs later than the id changes: until then there is no room, rather than another one's.
  const room = computed(() => (wanted.value && held.value?.wanted === wanted.value ? held.value.end : undefined));
  return { room, status: reading(() => room.value?.status, CONNECTING), audience: reading(() => room.value?.audience, undefined) };
}

/**
 * Watches a room for as long as the component is there. `room` is there when the component is mounted; without `id` nothing is
 * watched. Another `url` or `id` is another room.
 * @template [M=AnyMessages]
 * @param {MaybeRefOrGetter<string | URL>} url
 * @param {MaybeRefOrGetter<string | null | undefined>} id
 * @param {MaybeRefOrGetter<ViewerOptions | undefined>} [options] Read when the room is entered: other options alone change nothing.
 * @returns {{ room: ComputedRef<Viewer<M> | undefined>, status: ComputedRef<Status>, audience: ComputedRef<{ viewers: number } | undefined> }}
 */
export function useRoom(url, id, options) {
  return inside(url, id, (url, id) => follow(url, id, toValue(options)));
}

/**
 * Owns a room for as long as the component is there. Its `id` is there when the room is.
 * @template [M=AnyMessages]
 * @param {MaybeRefOrGetter<string | URL>} url
 * @param {MaybeRefOrGetter<HostOptions | undefined>} [options] Read when it begins. A getter may name what only a browser has.
 * @returns {{ room: ComputedRef<Host<M> | undefined>, id: ComputedRef<string | undefined>, status: ComputedRef<Status>,
 *   audience: ComputedRef<import("./owner.js").Audience | undefined> }}
 */
export function useHost(url, options) {
  const host = inside(url, "own", (url) => own(url, toValue(options)));
  // A room gets its id and a status at the same time.
  return { ...host, id: computed(() => (host.status.value, host.room.value?.id || undefined)) };
}

/**
 * Returns what a key of a room holds: its parameters, `undefined` while it holds nothing.
 * @template S
 * @template {keyof S & string} K
 * @param {MaybeRefOrGetter<{ state: import("./store.js").State<S> } | undefined>} room A viewer's or an owner's.
 * @param {MaybeRefOrGetter<K>} key
 * @returns {ComputedRef<S[K] | undefined>}
 */
export function useRoomKey(room, key) {
  return reading(() => toValue(room)?.state.key(toValue(key)), undefined);
}
