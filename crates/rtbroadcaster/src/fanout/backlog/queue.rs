//! Frames in order, where a newer value takes the place of none but removes the older one of its key.
//! Must not know what writes them.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::{Frame, Rank};
use crate::id::Seq;

/// How many gaps a queue may keep beyond its frames before it closes up.
const GAPS_MAX: usize = 32;

/// The frames that nobody has taken for a write.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// A gap where a frame was superseded, so that places stay countable.
    places: VecDeque<Option<(Frame, Duration)>>,
    /// The number of the first place.
    first: u64,
    /// The place of the waiting frame that a newer one of the rank removes.
    newest: HashMap<Rank, u64>,
    /// How many places are not gaps.
    len: usize,
    /// The bytes of all frames.
    bytes: usize,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The bytes there will be after a push of `frame`.
    pub(super) fn bytes_with(&self, frame: &Frame) -> usize {
        let superseded = self.newest.get(&frame.rank).and_then(|place| self.at(*place));
        self.bytes + frame.bytes.len() - superseded.map_or(0, |(old, _)| old.bytes.len())
    }

    /// When the first frame was pushed.
    pub(super) fn since(&self) -> Option<Duration> {
        self.places.iter().flatten().next().map(|(_, since)| *since)
    }

    /// Appended, not replaced in place: a viewer must not see a value before an event that preceded it.
    pub(super) fn push(&mut self, frame: Frame, now: Duration) {
        if is_superseded(&frame.rank) {
            let place = self.first + self.places.len() as u64;
            if let Some(older) = self.newest.insert(frame.rank.clone(), place) {
                self.remove(older);
            }
        }
        self.len += 1;
        self.bytes += frame.bytes.len();
        self.places.push_back(Some((frame, now)));
        if self.places.len() > 2 * self.len + GAPS_MAX {
            self.close_gaps();
        }
    }

    /// Removes the first frame.
    pub(super) fn pop(&mut self) -> Option<(Frame, Duration)> {
        while let Some(place) = self.places.pop_front() {
            self.first += 1;
            if let Some((frame, since)) = place {
                self.newest.remove(&frame.rank);
                self.len -= 1;
                self.bytes -= frame.bytes.len();
                return Some((frame, since));
            }
        }
        None
    }

    /// The number of the first message that has one, if it stands first.
    pub(super) fn first_seq(&self) -> Option<Seq> {
        self.places.iter().flatten().next()?.0.seq
    }

    /// Removes all but the answers.
    pub(super) fn keep_answers(&mut self) {
        let answers = std::mem::take(self).places.into_iter().flatten();
        for (frame, since) in answers.filter(|(frame, _)| frame.rank == Rank::Answer) {
            self.push(frame, since);
        }
    }

    /// How many places are held, gaps included.
    #[cfg(test)]
    pub(super) fn places_len(&self) -> usize {
        self.places.len()
    }

    fn at(&self, place: u64) -> Option<&(Frame, Duration)> {
        let index = usize::try_from(place.checked_sub(self.first)?).ok()?;
        self.places.get(index)?.as_ref()
    }

    fn remove(&mut self, place: u64) {
        let index = usize::try_from(place - self.first).expect("a place is within the queue");
        if let Some((frame, _)) = self.places[index].take() {
            self.len -= 1;
            self.bytes -= frame.bytes.len();
        }
    }

    /// Rebuilds without gaps: as many steps as there were pushes since the last time.
    fn close_gaps(&mut self) {
        self.places.retain(Option::is_some);
        // Every rank in `newest` waits, so each of its places is overwritten.
        for (place, (frame, _)) in (self.first..).zip(self.places.iter().flatten()) {
            if is_superseded(&frame.rank) {
                self.newest.insert(frame.rank.clone(), place);
            }
        }
    }
}

/// Whether a newer frame takes the place of one with this rank.
fn is_superseded(rank: &Rank) -> bool {
    matches!(rank, Rank::State(_) | Rank::Ephemeral(_))
}
