//! Creates client connections and rooms, and ends them all.
//! Must not know HTTP.

mod builder;
mod keeping;

use std::sync::Arc;

use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::options::RoomOptions;
use rtbroadcaster_core::origin::Origin;
use rtbroadcaster_core::owner_key::OwnerKey;
use rtbroadcaster_core::refusal::{CreateError, OwnError};

use crate::clock::Clock;
use crate::metrics::{Gauges, Metrics};
use crate::room::{Owner, RoomSummary};
use crate::server::Server;
pub use builder::{EngineOptions, ManagerBuilder};

/// All rooms and clients of one server. Cheap to clone; every clone is the same manager.
///
/// It starts its tasks when it is first used for a room or a client, on the Tokio runtime of that moment.
///
/// # Late joining
/// A viewer gets the newest value of every key, in the order in which the keys last changed, then every message from
/// there on. Nothing in between is lost, repeated or out of order.
///
/// # Lagging
/// While a viewer does not take its messages, a newer value of a key replaces the waiting one. When more than
/// [`backlog_bytes_max`](Config::backlog_bytes_max) wait, it gets the state again (a classic one is closed with 4008).
/// When the first of them waits for [`stall_timeout`](Config::stall_timeout), it is closed with 4008. No other client
/// notices.
///
/// # Losing the owner
/// A room waits for [`owner_grace`](Config::owner_grace), then it ends.
///
/// # Closing
/// When a room ends, every viewer gets the end, after everything that was published, and its connection is closed.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rtbroadcaster::{Config, CreateError, Limit, Manager, Message};
///
/// let manager = Manager::new(Config { rooms_max: Limit::Max(1), ..Config::default() });
/// let owner = manager.create_room().await?;
/// owner.publish(Message::state("score", [2, 1])?).await?;
/// assert_eq!(manager.rooms()[0].id, owner.room());
/// assert_eq!(manager.create_room().await.err(), Some(CreateError::TooManyRooms));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Manager(Arc<Server>);

impl Manager {
    /// Makes a manager without rooms.
    pub fn new(config: Config) -> Self {
        Self(Arc::new(Server::new(config, Clock::start())))
    }

    /// Creates a room and returns the right to speak in it.
    ///
    /// # Errors
    /// [`CreateError::TooManyRooms`] at [`rooms_max`](Config::rooms_max), [`CreateError::ShuttingDown`] after
    /// [`shutdown`](Self::shutdown).
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub async fn create_room(&self) -> Result<Owner, CreateError> {
        self.create_room_with(RoomOptions::new()).await
    }

    /// Creates a room that has more than messages, and returns the right to speak in it.
    ///
    /// # Errors
    /// As [`create_room`](Self::create_room).
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::{Config, Counting, Manager, RoomOptions, Signal};
    ///
    /// let once = Counting { once_per_viewer: true, ..Counting::default() };
    /// let options = RoomOptions::new().with_audience().with_counting("vote", once)?;
    /// let manager = Manager::new(Config::default());
    /// let owner = manager.create_room_with(options).await?;
    /// let mut signals = owner.signals();
    /// manager.close_room(&owner.room());
    /// while let Some(signal) = signals.next().await {
    ///     if let Signal::Counts { counts, .. } = signal {
    ///         println!("{counts:?}");
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn create_room_with(&self, options: RoomOptions) -> Result<Owner, CreateError> {
        self.0.registry().create(None, Some(OwnerKey::random(self.0.random())), options).await
    }

    /// Returns the owner of the room `id` to a program that has its key. The room fences an older owner at once: it applies
    /// nothing that this one publishes afterwards. The ids of earlier messages hold across owners, so a program can publish
    /// its unacknowledged messages again.
    ///
    /// # Errors
    /// [`OwnError::NoRoom`] for a room that does not exist and for a wrong key: both look the same.
    /// [`OwnError::Unavailable`] if the lease cannot be written.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::{Config, Manager, Message, PublishError};
    ///
    /// let manager = Manager::new(Config::default());
    /// let first = manager.create_room().await?;
    /// let (room, key) = (first.room(), first.key().clone());
    ///
    /// let second = manager.own(&room, &key).await?;
    /// assert_eq!(first.publish(Message::event("late", ())?).await, Err(PublishError::Fenced));
    /// assert_eq!(second.publish(Message::event("first", ())?).await?.get(), 1);
    /// # Ok(()) }
    /// ```
    pub async fn own(&self, id: &RoomId, key: &OwnerKey) -> Result<Owner, OwnError> {
        let registry = self.0.rooms().ok_or(OwnError::NoRoom)?;
        registry.own(id, key).await
    }

    /// Returns all rooms, in no order.
    pub fn rooms(&self) -> Vec<RoomSummary> {
        self.0.rooms().map_or_else(Vec::new, |registry| registry.summaries())
    }

    /// Returns one room, or `None` if there is none of this name.
    pub fn room(&self, id: &RoomId) -> Option<RoomSummary> {
        Some(self.0.rooms()?.get(id)?.summary())
    }

    /// Ends the room `id`, no matter which owner it has, and returns whether there was one. Every client in it gets the
    /// end.
    pub fn close_room(&self, id: &RoomId) -> bool {
        let room = self.0.rooms().and_then(|registry| registry.get(id));
        if let Some(room) = &room {
            room.end();
        }
        room.is_some()
    }

    /// Returns how many connections there are, in rooms or not.
    pub fn connections(&self) -> usize {
        self.0.connections()
    }

    /// Returns the numbers of what it has done since it was made, and of what there is now. This costs a few
    /// microseconds, however many rooms and connections there are.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::{Config, Manager, Message};
    ///
    /// let manager = Manager::new(Config::default());
    /// let owner = manager.create_room().await?;
    /// owner.publish(Message::event("goal", ["home"])?).await?;
    /// assert_eq!((manager.metrics().rooms, manager.metrics().messages.events), (1, 1));
    /// owner.close().await?;
    /// assert_eq!((manager.metrics().rooms, manager.metrics().messages.events), (0, 1), "what happened stays counted");
    /// # Ok(()) }
    /// ```
    pub fn metrics(&self) -> Metrics {
        let (rooms, voters) = self.0.rooms().map_or((0, 0), |registry| (registry.len(), registry.voters()));
        let log = self.0.rooms().and_then(|registry| registry.engine()?.shared()?.counts()).unwrap_or_default();
        let gauges = Gauges { connections: self.connections(), rooms, voters, log_status: self.log_status() };
        self.0.counters().read(gauges, log)
    }

    /// Ends every room and every connection, with the reason. That has begun when this returns; the returned future
    /// waits until the last connection is gone. A connection that takes nothing lasts no longer than
    /// [`stall_timeout`](Config::stall_timeout); bound the wait if that is too long.
    ///
    /// Where other nodes have the rooms, these do not end: viewers are asked to come back to other nodes a part at a time, at
    /// least 50 a second and all of them within 20 s, and then the owners. Each part is served until its turn comes.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn shutdown(&self) -> impl Future<Output = ()> + Send + use<> {
        // Also for a manager that was not used yet: no room is created from now on.
        let registry = self.0.registry();
        let is_shared = registry.engine().is_some_and(|engine| engine.shared().is_some());
        let moments = if is_shared { registry.refuse_rooms() } else { registry.shut() };
        self.0.drain(&moments);
        let (clients, engine) = (self.0.clients().clone(), registry.engine().cloned());
        let departing = is_shared.then(|| tokio::spawn(Arc::clone(registry).depart()));
        async move {
            if let Some(departing) = departing {
                // Its failure is that of a room, which ends by itself.
                let _ = departing.await;
            }
            clients.wait().await;
            if let Some(engine) = engine {
                // Writing may take as long as it takes, on a thread that may wait.
                let _ = tokio::task::spawn_blocking(move || engine.close()).await;
            }
        }
    }

    /// Returns whether [`shutdown`](Self::shutdown) was called.
    pub fn is_shutting_down(&self) -> bool {
        self.0.is_drained()
    }

    /// Returns the limits and delays in force: those it was given, with delays that no clock can count shortened, see
    /// [`Config`]; the origins as they were at first.
    pub fn config(&self) -> &Config {
        self.0.config()
    }

    /// Replaces the origins of pages from other hosts that may connect ([`Config::allow_origins`]), for handshakes from
    /// now on. Connections that there are stay.
    ///
    /// ```
    /// use rtbroadcaster::{Config, Manager};
    ///
    /// let manager = Manager::new(Config::default());
    /// manager.set_allowed_origins(vec!["https://pages.example".parse()?]);
    /// assert!(manager.config().allow_origins.is_empty(), "which tells what it was made with");
    /// # Ok::<(), rtbroadcaster::InvalidOrigin>(())
    /// ```
    pub fn set_allowed_origins(&self, origins: Vec<Origin>) {
        self.0.origins().set_listed(origins);
    }

    /// Replaces the public address of this server ([`Config::public_url`]), for handshakes from now on.
    ///
    /// ```
    /// use rtbroadcaster::{Config, Manager};
    ///
    /// let manager = Manager::new(Config::default());
    /// manager.set_public_url(Some("https://show.example".parse()?));
    /// manager.set_public_url(None);
    /// # Ok::<(), rtbroadcaster::InvalidOrigin>(())
    /// ```
    pub fn set_public_url(&self, origin: Option<Origin>) {
        self.0.origins().set_public(origin);
    }

    /// Returns what its connections and rooms share.
    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.0
    }
}

#[cfg(test)]
mod tests;
