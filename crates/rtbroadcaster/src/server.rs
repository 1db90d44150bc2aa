//! What all connections of one server share: its limits, its rooms, its clients, and how they are admitted.
//! Must not know sockets, nor how clients are served.

mod admission;
mod gate;
mod turnstile;
mod waiting;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::id::Life;
use rtbroadcaster_core::identity::{Keys, Secret};
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::origin::AllowedOrigins;
use rtbroadcaster_core::random::Random;
use rtbroadcaster_core::record::{Lives, Stored};
use rtbroadcaster_core::refusal::Refusal;
use rtbroadcaster_core::room::voters::Voters;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::engine::{Engine, Health};
use crate::fanout::{Lanes, Moments, Outbox};
use crate::metrics::Counters;
use crate::os_random::OsRandom;
use crate::rights::Expiries;
use crate::room::{Registry, Surroundings};
use crate::sampling::Sampling;
pub(crate) use admission::{Visit, Visitor};
use gate::Gate;
pub(crate) use gate::{ConnectionSlot, TooMany};
use turnstile::Turnstile;
pub(crate) use waiting::WaitingClient;
use waiting::WaitingList;

/// What the connections and rooms of one [`Manager`](crate::Manager) share.
#[derive(Debug)]
pub(crate) struct Server {
    config: Arc<Config>,
    origins: AllowedOrigins,
    clock: Clock,
    /// The source of names, numberings and keys.
    random: Arc<dyn Random>,
    counters: Arc<Counters>,
    /// Made when it is first used, on the Tokio runtime of that moment.
    registry: OnceLock<Arc<Registry>>,
    waiting: WaitingList,
    clients: TaskTracker,
    gate: Arc<Gate>,
    handshakes: Turnstile,
    joins: Turnstile,
    /// The moments at which the rights of connections end.
    expiries: Arc<Expiries>,
    /// The sampling of log lines that strangers can cause.
    sampling: Sampling<&'static str>,
    /// The warning that limits per address do not apply.
    unknown_address: AtomicBool,
}

impl Server {
    pub(crate) fn new(config: Config, clock: Clock) -> Self {
        warn(&config);
        let config = Arc::new(config.bounded());
        Self {
            gate: Gate::new(&config),
            origins: AllowedOrigins::of(&config),
            config,
            clock,
            random: Arc::new(OsRandom),
            counters: Arc::new(Counters::new(Refusal::ALL.map(Refusal::code))),
            registry: OnceLock::new(),
            waiting: WaitingList::default(),
            clients: TaskTracker::new(),
            handshakes: Turnstile::default(),
            joins: Turnstile::default(),
            expiries: Arc::default(),
            sampling: Sampling::default(),
            unknown_address: AtomicBool::new(false),
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the origins of pages from other hosts that may connect.
    pub(crate) fn origins(&self) -> &AllowedOrigins {
        &self.origins
    }

    /// Returns the source of names, numberings and keys.
    pub(crate) fn random(&self) -> &dyn Random {
        &*self.random
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Returns the sampling of log lines that strangers can cause.
    pub(crate) fn sampling(&self) -> &Sampling<&'static str> {
        &self.sampling
    }

    /// Returns the moments at which the rights of connections end.
    pub(crate) fn expiries(&self) -> &Arc<Expiries> {
        &self.expiries
    }

    /// Returns the tasks of all clients.
    pub(crate) fn clients(&self) -> &TaskTracker {
        &self.clients
    }

    /// Returns the rooms, or `None` if no room or client was there yet.
    pub(crate) fn rooms(&self) -> Option<&Arc<Registry>> {
        self.registry.get()
    }

    /// Returns the rooms, and starts the lanes if no room or client was there yet.
    pub(crate) fn registry(&self) -> &Arc<Registry> {
        self.registry.get_or_init(|| {
            let lives = Arc::new(Lives::only(Life::random(&*self.random)));
            self.make_registry(None, Vec::new(), lives, None)
        })
    }

    /// Takes over the rooms that `engine` has kept, and the secret that it keeps with them.
    #[cfg(any(feature = "disk", feature = "nats"))]
    pub(crate) fn take_over(&self, engine: Arc<dyn Engine>, rooms: Vec<Stored>, lives: Arc<Lives>, secret: Secret) {
        let registry = self.make_registry(Some(engine), rooms, lives, Some(secret));
        self.registry.get_or_init(|| registry);
    }

    /// Makes the registry of `rooms`. `kept` is the secret that is kept with them.
    fn make_registry(
        &self,
        engine: Option<Arc<dyn Engine>>,
        rooms: Vec<Stored>,
        lives: Arc<Lives>,
        kept: Option<Secret>,
    ) -> Arc<Registry> {
        let lanes = tokio::runtime::Handle::current().metrics().num_workers();
        let Self { clock, counters, config, .. } = self;
        let (lanes, faults, lagging) = Lanes::start(lanes, *clock, counters, config);
        let (counters, config, lanes) = (Arc::clone(counters), Arc::clone(config), Arc::new(lanes));
        let secret = config.secret.clone().or(kept).unwrap_or_else(|| Secret::random(&*self.random));
        let (viewer_keys, voters) = (Arc::new(Keys::of(&secret)), Voters::new(&config));
        let random = Arc::clone(&self.random);
        let around =
            Surroundings { clock: *clock, random, counters, config, lanes, engine, lives, viewer_keys, voters };
        Registry::new(around, rooms, faults, lagging)
    }

    /// Ends the rooms whose lock a panic has poisoned, so that their members need not wait until another part takes the
    /// lock.
    pub(crate) fn end_broken_rooms(&self) {
        if let Some(registry) = self.rooms() {
            registry.end_broken();
        }
    }

    /// Returns whether the logs of rooms that are kept can be written.
    pub(crate) fn health(&self) -> Health {
        self.rooms().map_or(Health::Fine, |registry| registry.health())
    }

    /// Admits a connection, unless there are too many. Warns once if the application gives no address of a connection,
    /// since that lifts the limits per address.
    pub(crate) fn admit(&self, peer: Option<SocketAddr>) -> Result<ConnectionSlot, TooMany> {
        if peer.is_none() {
            self.warn_of_unknown_address();
        }
        self.gate.enter(peer.map(|peer| AddressBlock::from(peer.ip())), self.clock.now())
    }

    fn warn_of_unknown_address(&self) {
        if !self.unknown_address.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "limits per address do not apply: the application gives no peer address (Arrival, or axum's ConnectInfo)"
            );
        }
    }

    /// Returns how many connections there are, in rooms or not.
    pub(crate) fn connections(&self) -> usize {
        self.gate.open()
    }

    /// Waits for the turn of a handshake.
    pub(crate) async fn turn_of_handshake(&self) {
        self.handshakes.pass().await;
    }

    /// Waits for the turn of a join.
    async fn turn_of_join(&self) {
        self.joins.pass().await;
    }

    /// Lists a client that is in no room yet, so that it is notified when the server shuts down. After
    /// [`drain`](Self::drain) its connection ends at once.
    pub(crate) fn wait(self: &Arc<Self>, outbox: &Arc<Outbox>) -> WaitingClient {
        WaitingClient::new(Arc::clone(self), outbox)
    }

    /// Asks every client that is in no room to reconnect later, and takes no more clients.
    pub(crate) fn drain(&self, moments: &Moments) {
        self.waiting.drain(moments);
        self.clients.close();
    }

    /// Returns whether no more clients are taken.
    pub(crate) fn is_drained(&self) -> bool {
        self.waiting.is_drained()
    }
}

/// How long a page may take to notice that its connection is gone: browsers fire the timers of a hidden page once a
/// minute.
const HIDDEN_PAGE: Duration = Duration::from_secs(3 * 60);

/// Logs a warning if a room may end before its owner can have returned.
fn warn(config: &Config) {
    let Limit::Max(grace) = config.owner_grace else { return };
    let least = config.least_safe_grace();
    if config.ping_interval.is_none() {
        tracing::warn!("without heartbeats an owner may notice too late that its connection is gone");
    } else if grace < least {
        tracing::warn!(owner_grace = ?grace, ?least, "rooms may end before their owners notice that their connections are gone");
    } else if grace < HIDDEN_PAGE {
        tracing::warn!(owner_grace = ?grace, "a hidden page may take 3 minutes to notice that its connection is gone");
    }
}
