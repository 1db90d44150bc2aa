//! A queue in which a newer item removes the older one of the same rank.
//! Must not know what the items are, nor for which member they wait.

use std::collections::{HashMap, VecDeque};

use crate::id::Seq;
use crate::message::{Change, Entry, Key};

/// What may happen to an item while it waits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Rank {
    /// It is for one member alone: nothing supersedes it, and it is sent also when messages are lost.
    Answer,
    /// Nothing supersedes it.
    Event,
    /// It is the notice of a hole, and does not wait: a backlog finds the holes between its frames when it writes them.
    /// No message that superseded a missing one has a greater number than this.
    Hole(Seq),
    /// A newer value of the key supersedes it.
    State(Key),
    /// A newer one of the key supersedes it, and where too much waits it is dropped first.
    Ephemeral(Key),
    /// It is the number of viewers: a newer number supersedes it.
    Audience,
}

impl Rank {
    /// Returns the rank of a message.
    pub fn of(entry: &Entry) -> Self {
        match entry.change {
            // For a key, being cleared is its newest value.
            Change::State | Change::Cleared => Rank::State(entry.key.clone()),
            Change::Ephemeral => Rank::Ephemeral(entry.key.clone()),
            Change::Event => Rank::Event,
        }
    }

    /// Returns whether a newer item supersedes it.
    fn is_superseded(&self) -> bool {
        matches!(self, Rank::State(_) | Rank::Ephemeral(_) | Rank::Audience)
    }

    /// Returns whether it is dropped first where too much waits.
    pub fn is_ephemeral(&self) -> bool {
        matches!(self, Rank::Ephemeral(_))
    }
}

/// An item that waits.
pub trait Ranked {
    /// Returns what may happen to it.
    fn rank(&self) -> &Rank;
}

/// How many more gaps than items may be kept before the queue is rebuilt.
const GAPS_MAX: usize = 32;

/// The items that wait, in order.
#[derive(Debug)]
pub struct Superseding<T> {
    /// The items, with a gap for each that was superseded, so that places stay countable.
    places: VecDeque<Option<T>>,
    /// The number of the first place.
    first: u64,
    /// The place of the item that a newer one of the rank supersedes.
    newest: HashMap<Rank, u64>,
    /// How many places are not gaps.
    len: usize,
    /// How many of them are ephemeral.
    ephemeral: usize,
}

impl<T> Default for Superseding<T> {
    fn default() -> Self {
        Self { places: VecDeque::new(), first: 0, newest: HashMap::new(), len: 0, ephemeral: 0 }
    }
}

impl<T: Ranked> Superseding<T> {
    /// Returns whether no item waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns how many items wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns the oldest item.
    pub fn first(&self) -> Option<&T> {
        self.iter().next()
    }

    /// Returns all items, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.places.iter().flatten()
    }

    /// Returns the item that a push with this rank would remove.
    pub fn superseded_by(&self, rank: &Rank) -> Option<&T> {
        let place = self.newest.get(rank)?;
        self.places.get(self.index(*place))?.as_ref()
    }

    /// Appends an item, and returns the one that it supersedes. Appended, not replaced in place: no member must see
    /// this value before an event that preceded it.
    pub fn push(&mut self, item: T) -> Option<T> {
        let place = self.first + self.places.len() as u64;
        let older = item.rank().is_superseded().then(|| self.newest.insert(item.rank().clone(), place)).flatten();
        let removed = older.and_then(|older| {
            let index = self.index(older);
            self.places[index].take()
        });
        if removed.is_none() {
            self.len += 1;
            self.ephemeral += usize::from(item.rank().is_ephemeral());
        }
        self.places.push_back(Some(item));
        self.limit_gaps();
        removed
    }

    /// Removes and returns the oldest ephemeral item. Costs nothing if there is none.
    pub fn drop_ephemeral(&mut self) -> Option<T> {
        if self.ephemeral == 0 {
            return None;
        }
        let is_ephemeral = |place: &&mut Option<T>| place.as_ref().is_some_and(|item| item.rank().is_ephemeral());
        let dropped = self.places.iter_mut().find(is_ephemeral)?.take()?;
        self.newest.remove(dropped.rank());
        self.len -= 1;
        self.ephemeral -= 1;
        self.limit_gaps();
        Some(dropped)
    }

    /// Removes and returns the oldest item.
    pub fn pop(&mut self) -> Option<T> {
        while let Some(place) = self.places.pop_front() {
            self.first += 1;
            if let Some(item) = place {
                if item.rank().is_superseded() {
                    self.newest.remove(item.rank());
                }
                self.len -= 1;
                self.ephemeral -= usize::from(item.rank().is_ephemeral());
                return Some(item);
            }
        }
        None
    }

    /// Returns how many places are held, gaps included.
    pub fn places_len(&self) -> usize {
        self.places.len()
    }

    fn index(&self, place: u64) -> usize {
        usize::try_from(place - self.first).expect("a place is within the queue")
    }

    /// Rebuilds without gaps where they are many: as many steps as there were pushes since the last time.
    fn limit_gaps(&mut self) {
        if self.places.len() <= 2 * self.len + GAPS_MAX {
            return;
        }
        self.places.retain(Option::is_some);
        // Every rank in `newest` waits, so each of its places is overwritten.
        for (place, item) in (self.first..).zip(self.places.iter().flatten()) {
            if item.rank().is_superseded() {
                self.newest.insert(item.rank().clone(), place);
            }
        }
    }
}

impl<T> IntoIterator for Superseding<T> {
    type Item = T;
    type IntoIter = std::iter::Flatten<std::collections::vec_deque::IntoIter<Option<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.places.into_iter().flatten()
    }
}
