//! The state of a room at one moment: the newest value of each key. Pure. Must not know how values arrive.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::message::{Key, Params};
use serde::Deserialize;

/// The state of a room at one moment. Cloning it costs nothing.
///
/// It is the state after the message [`seq`](Self::seq), and never a part of a replay: the state that follows a join or
/// a reset replaces the older one at once, when all of it has arrived.
///
/// ```no_run
/// # fn show(viewer: &rtbroadcaster::remote::Viewer) -> Option<()> {
/// let state = viewer.state();
/// let (home, away): (u32, u32) = state.parse("score")?.ok()?;
/// for (key, params) in state.iter() {
///     println!("{key}: {}", params.as_str());
/// }
/// # Some(()) }
/// ```
#[derive(Clone, Default)]
pub struct State {
    /// The number of the last message that this state includes.
    seq: Seq,
    values: Arc<StateValues>,
}

/// The values and their order.
#[derive(Clone, Default, PartialEq, Eq)]
struct StateValues {
    of: HashMap<Key, (Seq, Params)>,
    /// Which message set each key.
    order: BTreeMap<Seq, Key>,
    /// The bytes of all keys and values, each with its [`PLACE_BYTES`].
    bytes: usize,
}

/// The bytes of a key besides its text and its parameters: its places in both tables.
const PLACE_BYTES: usize = 256;

impl StateValues {
    fn set(&mut self, seq: Seq, key: Key, params: Params) {
        self.clear(&key);
        self.bytes += cost(&key, &params);
        self.of.insert(key.clone(), (seq, params));
        self.order.insert(seq, key);
    }

    fn clear(&mut self, key: &Key) {
        if let Some((older, params)) = self.of.remove(key) {
            self.order.remove(&older);
            self.bytes -= cost(key, &params);
        }
    }
}

/// Returns the bytes of a key and its value in a state.
fn cost(key: &Key, params: &Params) -> usize {
    key.as_str().len() + params.as_bytes().len() + PLACE_BYTES
}

impl State {
    /// Returns the number of the last message that this state includes; [`Seq::ZERO`] before the first one.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Returns the value of `key`.
    pub fn get(&self, key: &str) -> Option<&Params> {
        self.values.of.get(&Key::new(key)?).map(|(_, params)| params)
    }

    /// Returns the value of `key`, deserialized.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self, key: &str) -> Option<serde_json::Result<T>> {
        self.get(key).map(Params::parse)
    }

    /// Returns the keys and their values, in the order in which they last changed.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Params)> {
        self.values.order.values().map(|key| (key.as_str(), &self.values.of[key].1))
    }

    /// Returns how many keys have a value.
    pub fn len(&self) -> usize {
        self.values.of.len()
    }

    /// Returns whether no key has a value.
    pub fn is_empty(&self) -> bool {
        self.values.of.is_empty()
    }

    /// Returns the bytes of its keys and parameters, and 256 bytes for each.
    pub(super) fn bytes(&self) -> usize {
        self.values.bytes
    }

    /// Sets `key` by message `seq`.
    pub(super) fn insert(&mut self, seq: Seq, key: Key, params: Params) {
        Arc::make_mut(&mut self.values).set(seq, key, params);
        self.seq = seq;
    }

    /// Clears `key` by message `seq`.
    pub(super) fn remove(&mut self, seq: Seq, key: &Key) {
        if self.values.of.contains_key(key) {
            Arc::make_mut(&mut self.values).clear(key);
        }
        self.seq = seq;
    }

    /// Advances to message `seq`, which changes no key.
    pub(super) fn reach(&mut self, seq: Seq) {
        self.seq = seq;
    }
}

impl PartialEq for State {
    /// Returns whether both have the same values, set by the same messages, after the same last message.
    fn eq(&self, other: &Self) -> bool {
        self.seq == other.seq && (Arc::ptr_eq(&self.values, &other.values) || self.values == other.values)
    }
}

impl Eq for State {}

impl fmt::Debug for State {
    /// Writes the keys and the sizes of their values; the values belong in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State after {} ", self.seq)?;
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_where_it_last_changed_and_an_older_copy_stays_as_it_was() {
        let set = |state: &mut State, seq: u64, key: &str| {
            let params = Params::from_json(&format!("[{seq}]")).unwrap();
            state.insert(Seq::new(seq).unwrap(), Key::new(key).unwrap(), params);
        };
        let shown =
            |state: &State| state.iter().map(|(key, params)| format!("{key}{}", params.as_str())).collect::<String>();
        let mut state = State::default();
        set(&mut state, 1, "a");
        set(&mut state, 2, "b");
        let older = state.clone();
        set(&mut state, 4, "a");
        assert_eq!((shown(&older), shown(&state)), ("a[1]b[2]".into(), "b[2]a[4]".into()));
        assert_eq!(state.parse::<(u8,)>("a").unwrap().unwrap(), (4,));
        assert_eq!(state.bytes(), 2 * (PLACE_BYTES + "a[4]".len()));
        state.remove(Seq::new(5).unwrap(), &Key::new("b").unwrap());
        assert_eq!(state.bytes(), PLACE_BYTES + "a[4]".len());
        assert_eq!((shown(&state), state.seq().get(), state.len()), ("a[4]".into(), 5, 1));
        assert!(state.get("b").is_none() && state.get("").is_none() && state != older);
    }
}
