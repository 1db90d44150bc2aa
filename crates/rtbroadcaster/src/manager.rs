//! Creates client connections and rooms, and ends them all.
//! Must not know HTTP.

mod bucket;
mod gate;
mod keeping;
mod turnstile;
mod waiting;

use std::pin::pin;
use std::sync::{Arc, OnceLock};

use tokio_util::task::TaskTracker;

use crate::client::{Client, Permit};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{Engine, Lives, Stored};
use crate::fanout::Lanes;
use crate::fault::{self, Fault};
use crate::id::{Life, RoomId};
use crate::identity::{Keys, Secret};
use crate::metrics::{Counters, Gauges, Metrics};
use crate::options::RoomOptions;
use crate::origin::{AllowedOrigins, Origin};
use crate::protocol::{Protocol, Refusal};
use crate::room::{CreateError, OwnError, Owner, OwnerKey, Registry, RoomSummary, Surroundings, Voters};
use crate::sampling::Sampling;
use crate::socket::Socket;
use gate::Gate;
pub(crate) use gate::{Ticket, TooMany};
use turnstile::Turnstile;
pub(crate) use waiting::Waiting;
use waiting::WaitingList;

/// All rooms and clients of one server. Cheap to clone; every clone is the same manager.
///
/// It starts its tasks when it is first used for a room or a client, on the Tokio runtime of that moment.
///
/// # Late joining
/// A viewer gets the newest value of every key, in the order in which the keys last changed, then every message from
/// there on: nothing in between is lost, repeated or out of order.
///
/// # Lagging
/// While a viewer does not take its messages, a newer value of a key replaces the waiting one. When more than
/// [`backlog_bytes_max`](Config::backlog_bytes_max) wait, it gets the state anew (a classic one is closed with 4008);
/// when the first of them waits for [`stall_timeout`](Config::stall_timeout), it is closed with 4008. Nobody else
/// notices.
///
/// # Losing the owner
/// A room waits for [`owner_grace`](Config::owner_grace), then it ends.
///
/// # Closing
/// When a room ends, every viewer is told, after everything that was said, and its connection is closed.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rtbroadcaster::{Config, CreateError, Manager, Message};
///
/// let manager = Manager::new(Config { rooms_max: 1, ..Config::default() });
/// let mut owner = manager.create_room().await?;
/// owner.publish(Message::state("score", [2, 1])).await?;
/// assert_eq!(manager.rooms()[0].id, owner.room());
/// assert_eq!(manager.create_room().await.err(), Some(CreateError::TooManyRooms));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Manager(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: Arc<Config>,
    origins: AllowedOrigins,
    clock: Clock,
    counters: Arc<Counters>,
    registry: OnceLock<Arc<Registry>>,
    waiting: WaitingList,
    clients: TaskTracker,
    gate: Arc<Gate>,
    #[cfg(feature = "axum")]
    handshakes: Turnstile,
    joins: Turnstile,
    /// The lines of the log that strangers can cause.
    sampling: Sampling<&'static str>,
}

impl Shared {
    fn new(config: Config, clock: Clock) -> Self {
        let config = Arc::new(config.bounded());
        Self {
            gate: Gate::new(&config),
            origins: AllowedOrigins::of(&config),
            config,
            clock,
            counters: Arc::new(Counters::new(Refusal::ALL.map(Refusal::code))),
            registry: OnceLock::new(),
            waiting: WaitingList::default(),
            clients: TaskTracker::new(),
            #[cfg(feature = "axum")]
            handshakes: Turnstile::default(),
            joins: Turnstile::default(),
            sampling: Sampling::default(),
        }
    }
}

impl Manager {
    /// A manager without rooms.
    pub fn new(config: Config) -> Self {
        config.warn();
        Self(Arc::new(Shared::new(config, Clock::start())))
    }

    /// Creates a room and gives the right to speak in it.
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

    /// Creates a room that has more than messages, and gives the right to speak in it.
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
    /// manager.close_room(owner.room());
    /// while let Some(signal) = signals.recv().await {
    ///     if let Signal::Counts { counts, .. } = signal {
    ///         println!("{counts:?}");
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn create_room_with(&self, options: RoomOptions) -> Result<Owner, CreateError> {
        self.registry().create(None, Some(OwnerKey::random()), options).await
    }

    /// Becomes the owner of the room `id` by its key: the owner comes back, or another program takes over. The older
    /// owner, if there is one, is fenced at once: nothing that it publishes from now on is applied. The ids of earlier
    /// messages hold across owners, so what was not acknowledged can be published again.
    ///
    /// # Errors
    /// [`OwnError::NoRoom`] for a room that does not exist and for a wrong key: both look the same.
    /// [`OwnError::Unavailable`] when the lease cannot be written.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::{Config, Manager, Message, PublishError};
    ///
    /// let manager = Manager::new(Config::default());
    /// let mut first = manager.create_room().await?;
    /// let (room, key) = (first.room(), first.key().cloned().expect("a room created from Rust has a key"));
    ///
    /// let mut second = manager.own(room, &key).await?;
    /// assert_eq!(first.publish(Message::event("late", ())).await, Err(PublishError::Fenced));
    /// assert_eq!(second.publish(Message::event("first", ())).await?.get(), 1);
    /// # Ok(()) }
    /// ```
    pub async fn own(&self, id: RoomId, key: &OwnerKey) -> Result<Owner, OwnError> {
        let registry = self.0.registry.get().ok_or(OwnError::NoRoom)?;
        registry.own(id, key).await
    }

    /// All rooms, in no order.
    pub fn rooms(&self) -> Vec<RoomSummary> {
        self.0.registry.get().map_or_else(Vec::new, |registry| registry.summaries())
    }

    /// One room, or `None` if there is none of this name.
    pub fn room(&self, id: RoomId) -> Option<RoomSummary> {
        Some(self.0.registry.get()?.get(id)?.summary())
    }

    /// Ends the room `id` whoever owns it, and says whether there was one. Every client in it is told.
    pub fn close_room(&self, id: RoomId) -> bool {
        let room = self.0.registry.get().and_then(|registry| registry.get(id));
        if let Some(room) = &room {
            room.end();
        }
        room.is_some()
    }

    /// How many connections there are, in rooms or not.
    pub fn connections(&self) -> usize {
        self.0.gate.open()
    }

    /// What it has done since it was made, and what there is now, in numbers. This costs a few microseconds, however many
    /// rooms and connections there are.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::{Config, Manager, Message};
    ///
    /// let manager = Manager::new(Config::default());
    /// let mut owner = manager.create_room().await?;
    /// owner.publish(Message::event("goal", ["home"])).await?;
    /// assert_eq!((manager.metrics().rooms, manager.metrics().messages.events), (1, 1));
    /// owner.close();
    /// assert_eq!((manager.metrics().rooms, manager.metrics().messages.events), (0, 1), "what happened stays counted");
    /// # Ok(()) }
    /// ```
    pub fn metrics(&self) -> Metrics {
        let (rooms, voters) = self.0.registry.get().map_or((0, 0), |registry| (registry.len(), registry.voters()));
        self.0.counters.read(Gauges { connections: self.connections(), rooms, voters, log_status: self.log_status() })
    }

    /// Ends every room and every connection, each told why; that has begun when this returns. What it returns waits until
    /// the last connection is gone. A connection that takes nothing lasts no longer than
    /// [`stall_timeout`](Config::stall_timeout); bound the wait if that is too long.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn shutdown(&self) -> impl Future<Output = ()> + Send + use<> {
        // Also one that was not used yet: no room is created from now on.
        let registry = self.registry();
        let moments = registry.shut();
        self.0.waiting.drain(moments);
        self.0.clients.close();
        let (clients, engine) = (self.0.clients.clone(), registry.engine().cloned());
        async move {
            clients.wait().await;
            if let Some(engine) = engine {
                // Writing may take as long as it takes, on a thread that may wait.
                let _ = tokio::task::spawn_blocking(move || engine.close()).await;
            }
        }
    }

    /// Whether [`shutdown`](Self::shutdown) was called.
    pub fn is_shutting_down(&self) -> bool {
        self.0.waiting.is_drained()
    }

    /// The limits and delays in force: those it was given, with delays that no clock can count shortened, see [`Config`]; the
    /// origins as they were at first.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Replaces the origins of pages from other hosts that may connect ([`Config::allow_origins`]), for handshakes from now
    /// on. Connections that there are stay.
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
        self.0.origins.set_listed(origins);
    }

    /// Replaces where the world finds this server ([`Config::public_url`]), for handshakes from now on.
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
        self.0.origins.set_public(origin);
    }

    /// The origins of pages from other hosts that may connect.
    pub(crate) fn allowed_origins(&self) -> &AllowedOrigins {
        &self.0.origins
    }

    /// Serves a client to its end on a task of its own. `first` came behind the handshake.
    pub(crate) fn serve(
        &self,
        socket: Socket,
        first: &[u8],
        protocol: Protocol,
        permit: Permit,
        accepted: tokio::time::Instant,
        ticket: Ticket,
    ) {
        let accepted = self.0.clock.since_birth(accepted);
        let mut client = Client::new(socket, protocol, self.clone(), permit, accepted, ticket.place());
        let begun = fault::catch("client", self.counters(), || client.begin(first));
        self.0.clients.spawn(self.see_through(client, begun, ticket));
    }

    /// What the task of a client does. Each idle viewer holds all of it. No `async fn`, which would hold the client twice.
    pub(crate) fn see_through(
        &self,
        mut client: Client,
        begun: Result<(), Fault>,
        ticket: Ticket,
    ) -> impl Future<Output = ()> + Send + use<> {
        let manager = self.clone();
        async move {
            if begun.is_err() || fault::catch_task("client", manager.counters(), pin!(client.run())).await.is_err() {
                manager.end_broken_rooms();
                // Should that panic too, it ends without a word.
                let _ = fault::catch_task("client", manager.counters(), pin!(client.fail())).await;
            }
            drop(ticket);
        }
    }

    /// A client has panicked, maybe under the lock of a room: its members are not left waiting for whoever takes it next.
    fn end_broken_rooms(&self) {
        if let Some(registry) = self.0.registry.get() {
            registry.end_broken();
        }
    }

    /// Which lines of the log are worth writing.
    pub(crate) fn sampling(&self) -> &Sampling<&'static str> {
        &self.0.sampling
    }

    pub(crate) fn clock(&self) -> Clock {
        self.0.clock
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.0.counters
    }

    pub(crate) fn registry(&self) -> &Arc<Registry> {
        self.0.registry.get_or_init(|| {
            let lives = Arc::new(Lives::only(Life::random()));
            self.make_registry(None, Vec::new(), lives, None)
        })
    }

    /// `kept` is the secret that is kept with the rooms.
    fn make_registry(
        &self,
        engine: Option<Arc<dyn Engine>>,
        rooms: Vec<Stored>,
        lives: Arc<Lives>,
        kept: Option<Secret>,
    ) -> Arc<Registry> {
        let lanes = tokio::runtime::Handle::current().metrics().num_workers();
        let Shared { clock, counters, config, .. } = &*self.0;
        let (lanes, faults, lagging) = Lanes::start(lanes, *clock, counters, config);
        let (counters, config, lanes) = (Arc::clone(counters), Arc::clone(config), Arc::new(lanes));
        let secret = config.secret.clone().or(kept).unwrap_or_else(Secret::random);
        let (viewer_keys, voters) = (Arc::new(Keys::of(&secret)), Voters::new(&config));
        let around = Surroundings { clock: *clock, counters, config, lanes, engine, lives, viewer_keys, voters };
        Registry::new(around, rooms, faults, lagging)
    }
}

#[cfg(test)]
mod tests;
