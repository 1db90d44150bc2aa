//! Of one room's members in one lane: since when something waits for those for whom something does.
//! Must not know sockets, nor who is told. Its lock is taken under others and holds for a few steps.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rtbroadcaster_core::audience::Ages;
use rtbroadcaster_core::id::RoomId;
use tokio::sync::mpsc;

/// Rooms of which somebody has begun to wait.
pub(crate) type Lagging = mpsc::UnboundedReceiver<RoomId>;

/// What is known of those who wait.
#[derive(Debug)]
pub(crate) struct Lags {
    room: RoomId,
    /// Where it is said that somebody has begun to wait.
    begun: mpsc::UnboundedSender<RoomId>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ages: Ages,
    /// It was said that somebody has begun to wait, and nobody has found since that nobody does: it is not said again.
    is_said: bool,
}

impl Lags {
    /// Nobody waits in `room`; when somebody begins to, `begun` is told.
    pub(super) fn new(room: RoomId, begun: &mpsc::UnboundedSender<RoomId>) -> Self {
        Self { room, begun: begun.clone(), state: Mutex::default() }
    }

    /// For one member the first of what waits has waited since `before`, and now since `after`; `None` where nothing does.
    pub(super) fn change(&self, before: Option<Duration>, after: Option<Duration>) {
        let mut state = self.lock();
        state.ages.change(before, after);
        if after.is_some() && !std::mem::replace(&mut state.is_said, true) {
            // Without a receiver the runtime is shutting down, and every room with it.
            let _ = self.begun.send(self.room.clone());
        }
    }

    /// Adds what is known to `all`. When that is nothing, it will be said when somebody begins to wait.
    pub(super) fn read(&self, all: &mut Ages) {
        let mut state = self.lock();
        state.is_said = !state.ages.is_empty();
        all.add(&state.ages);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Numbers only: a panic leaves one member counted wrongly.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
