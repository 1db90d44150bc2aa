//! The ages of the frames that wait for one room's members in one lane.
//! Must not know sockets or listeners. Its lock is taken under others and held for a few steps.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rtbroadcaster_core::audience::Ages;
use rtbroadcaster_core::id::RoomId;
use tokio::sync::mpsc;

use crate::lock_order::{LockRank, Ordered, ordered};

/// The rooms in which a member has begun to wait for its socket.
pub(crate) type Lagging = mpsc::UnboundedReceiver<RoomId>;

/// The ages of the frames that wait for the members of a room in one lane.
#[derive(Debug)]
pub(crate) struct Lags {
    room: RoomId,
    /// The sender of rooms in which a member has begun to wait.
    begun: mpsc::UnboundedSender<RoomId>,
    state: Mutex<LagsState>,
}

#[derive(Debug, Default)]
struct LagsState {
    ages: Ages,
    /// Whether the room was sent to `begun`, and no read since has found that no member waits: it is not sent again.
    is_said: bool,
}

impl Lags {
    /// Makes the lags of `room`, in which no member waits. When one begins to, the room is sent to `begun`.
    pub(super) fn new(room: RoomId, begun: &mpsc::UnboundedSender<RoomId>) -> Self {
        Self { room, begun: begun.clone(), state: Mutex::default() }
    }

    /// Notes that the first frame that waits for one member waits since `after`, and did since `before`; `None` where
    /// none does.
    pub(super) fn change(&self, before: Option<Duration>, after: Option<Duration>) {
        let mut state = self.lock();
        state.ages.change(before, after);
        if after.is_some() && !std::mem::replace(&mut state.is_said, true) {
            // Without a receiver the runtime is shutting down, and every room with it.
            let _ = self.begun.send(self.room.clone());
        }
    }

    /// Adds the ages to `all`. If there are none, the next member that begins to wait is reported again.
    pub(super) fn read(&self, all: &mut Ages) {
        let mut state = self.lock();
        state.is_said = !state.ages.is_empty();
        all.add(&state.ages);
    }

    fn lock(&self) -> Ordered<MutexGuard<'_, LagsState>> {
        // Numbers only: a panic leaves one member counted wrongly.
        ordered(LockRank::LEAF, || self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os_random::OsRandom;

    #[test]
    fn that_somebody_begins_to_wait_is_said_once_until_nobody_is_found_to() {
        let (begun, mut said) = mpsc::unbounded_channel();
        let (lags, room) = (Lags::new(RoomId::random(&OsRandom), &begun), |said: &mut Lagging| said.try_recv().is_ok());
        let since = |seconds| Some(Duration::from_secs(seconds));
        lags.change(None, since(1));
        assert!(room(&mut said));
        lags.change(None, since(2));
        lags.change(since(2), None);
        lags.change(since(1), since(3));
        lags.read(&mut Ages::default());
        lags.change(since(3), None);
        lags.change(None, since(4));
        assert!(!room(&mut said), "whoever was told looks until nobody waits");
        lags.change(since(4), None);
        let mut all = Ages::default();
        lags.read(&mut all);
        assert!(all.is_empty());
        lags.change(None, since(5));
        assert!(room(&mut said));
    }
}
