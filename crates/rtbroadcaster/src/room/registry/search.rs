//! Finds rooms that other nodes have, each once at a time.
//! Must not know clients, nor where rooms are kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rtbroadcaster_core::id::RoomId;
use tokio::time::Instant;

use super::Registry;
use crate::engine::{FoundRoom, LogUnsure};
use crate::room::Room;

/// How long a room that was not found is not looked for again, and how many such rooms are remembered.
const ABSENT_FOR: Duration = Duration::from_secs(1);
const ABSENT_MAX: usize = 10_000;

/// The searches of one registry.
#[derive(Debug, Default)]
pub(super) struct Searches {
    /// The lock of each room that is looked for. The first one to hold it looks; the others then find the room.
    running: Mutex<HashMap<RoomId, Arc<tokio::sync::Mutex<()>>>>,
    /// The rooms that were not found, and when.
    absent: Mutex<HashMap<RoomId, Instant>>,
}

impl Searches {
    fn lock_of(&self, id: &RoomId) -> Arc<tokio::sync::Mutex<()>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(running.entry(id.clone()).or_default())
    }

    /// Forgets the lock of a room if no other search waits for it.
    fn release(&self, id: &RoomId) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.get(id).is_some_and(|lock| Arc::strong_count(lock) <= 2) {
            running.remove(id);
        }
    }

    fn is_absent(&self, id: &RoomId) -> bool {
        let absent = self.absent.lock().unwrap_or_else(PoisonError::into_inner);
        absent.get(id).is_some_and(|since| since.elapsed() < ABSENT_FOR)
    }

    fn note_absent(&self, id: &RoomId) {
        let mut absent = self.absent.lock().unwrap_or_else(PoisonError::into_inner);
        if absent.len() >= ABSENT_MAX {
            absent.retain(|_, since| since.elapsed() < ABSENT_FOR);
        }
        if absent.len() < ABSENT_MAX {
            absent.insert(id.clone(), Instant::now());
        }
    }
}

impl Registry {
    /// Returns whether a search for `id` would ask the log of several nodes.
    pub(crate) fn searches_for(&self, id: &RoomId) -> bool {
        self.engine().and_then(|engine| engine.shared()).is_some()
            && self.get(id).is_none_or(|room| room.has_left_node())
            && !self.searches.is_absent(id)
    }

    /// Returns the room `id`, if there is one. Ready at the first poll where this process has the room, or where no
    /// other one could.
    ///
    /// # Errors
    /// [`LogUnsure`] where the log of the other nodes does not answer.
    pub(crate) async fn find(self: &Arc<Self>, id: &RoomId) -> Result<Option<Arc<Room>>, LogUnsure> {
        if let Some(room) = self.get(id).filter(|room| !room.has_left_node()) {
            return Ok(Some(room));
        }
        if !self.searches_for(id) {
            return Ok(None);
        }
        // Boxed: a task that waits for nothing pays nothing for this.
        Box::pin(self.search(id)).await
    }

    async fn search(self: &Arc<Self>, id: &RoomId) -> Result<Option<Arc<Room>>, LogUnsure> {
        let lock = self.searches.lock_of(id);
        let turn = lock.lock().await;
        let found = match self.get(id) {
            Some(room) if !room.has_left_node() => Ok(Some(room)),
            // It is about to be removed from the list.
            Some(_) => Err(LogUnsure),
            None if self.searches.is_absent(id) => Ok(None),
            None => self.load(id).await,
        };
        drop(turn);
        self.searches.release(id);
        found
    }

    async fn load(self: &Arc<Self>, id: &RoomId) -> Result<Option<Arc<Room>>, LogUnsure> {
        let Some(shared) = self.engine().and_then(|engine| engine.shared()) else { return Ok(None) };
        let Some(found) = shared.find(id).await? else {
            self.searches.note_absent(id);
            return Ok(None);
        };
        let (me, config) = (Arc::downgrade(self), &self.around.config);
        let mut rooms = self.lock();
        if let Some(room) = rooms.get(id) {
            // It was created here meanwhile.
            return Ok(Some(room));
        }
        if rooms.is_shut || config.rooms_max.is_reached_by(rooms.len()) {
            return Err(LogUnsure);
        }
        let room = rooms.add(None, config, |share| Room::load(&found, id.clone(), share, &me, &self.around));
        drop(rooms);
        let FoundRoom { begin, .. } = found;
        room.begin_to_follow(begin);
        room.end_if_due();
        Ok(Some(room))
    }
}
