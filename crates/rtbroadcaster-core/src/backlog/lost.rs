//! Messages that went, or that a member does not want, and what brings it on.
//! Must not know who makes the replay.

use super::replay::{Replay, Replaying};
use super::{Backlog, Ending};

/// Messages went that the member has not been told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// Nobody is bringing the state yet.
    Noticed,
    /// A replay of the state will come.
    Ordered,
}

impl Backlog {
    /// Puts what brings the member to where the room stands behind what waits and before everything that is pushed from
    /// now on. Nothing is lost any more.
    pub fn replay(&mut self, replay: Replay) {
        if self.ending != Ending::Open {
            return;
        }
        self.lost = None;
        self.replays.push_back(Replaying::new(std::mem::take(&mut self.queue), replay));
    }

    /// Whether messages were lost and everything else is out: it is time to bring the state. Until the
    /// [replay](Self::replay) comes, messages are dropped, since it will contain them.
    pub fn wants_state(&self) -> bool {
        self.lost == Some(Lost::Noticed) && self.taken.is_empty() && self.replays.is_empty() && self.queue.is_empty()
    }

    /// Whether messages were lost and no replay has come that makes up for them.
    pub fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Whether messages were lost and nobody makes the replay that makes up for them: whoever asks does so now.
    pub fn order_state(&mut self) -> bool {
        let is_lost = self.lost == Some(Lost::Noticed);
        if is_lost {
            self.lost = Some(Lost::Ordered);
        }
        is_lost
    }

    /// The messages that wait go: the member will be brought on from [`reached`](Self::reached).
    pub fn pause(&mut self) {
        self.queue.keep_answers();
        self.lost = self.lost.filter(|lost| *lost == Lost::Ordered);
    }

    /// Whether a replay is on its way, or being made.
    pub fn is_replaying(&self) -> bool {
        !self.replays.is_empty() || self.lost == Some(Lost::Ordered)
    }
}
