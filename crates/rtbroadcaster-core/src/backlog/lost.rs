//! The messages that a backlog has dropped, and the replay that makes up for them.
//! Must not know rooms.

use super::replay::{Replay, Replaying};
use super::{Backlog, Ending};

/// How far the server is in making up for messages that were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// No replay of the state is being made yet.
    Noticed,
    /// A replay of the state is being made.
    Ordered,
}

impl Backlog {
    /// Queues a replay behind the waiting frames and before every later one. It makes up for all lost messages.
    pub fn replay(&mut self, replay: Replay) {
        if self.ending != Ending::Open {
            return;
        }
        self.lost = None;
        self.replays.push_back(Replaying::new(std::mem::take(&mut self.queue), replay));
    }

    /// Returns whether messages were lost and everything else is written, so that the state should follow. Until the
    /// [replay](Self::replay) comes, messages are dropped, since it will contain them.
    pub fn wants_state(&self) -> bool {
        self.lost == Some(Lost::Noticed) && self.taken.is_empty() && self.replays.is_empty() && self.queue.is_empty()
    }

    /// Returns whether messages were lost and no replay has come that makes up for them.
    pub fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Returns whether messages were lost and no replay is being made. If so, the caller makes it now.
    pub fn order_state(&mut self) -> bool {
        let is_lost = self.lost == Some(Lost::Noticed);
        if is_lost {
            self.lost = Some(Lost::Ordered);
        }
        is_lost
    }

    /// Drops the waiting messages: the member resumes later from [`reached`](Self::reached).
    pub fn pause(&mut self) {
        self.queue.keep_answers();
        self.lost = self.lost.filter(|lost| *lost == Lost::Ordered);
    }

    /// Returns whether a replay waits or is being made.
    pub fn is_replaying(&self) -> bool {
        !self.replays.is_empty() || self.lost == Some(Lost::Ordered)
    }
}
