//! Every limit and delay, as plain data with the defaults the documentation promises.
//! Must not know what enforces them.

use std::time::Duration;

use crate::identity::Secret;
use crate::limit::Limit;
use crate::origin::Origin;

/// The limits and delays of a `Manager` and all its rooms.
///
/// Sizes are bytes. [`Limit::None`] lifts a limit or a delay: it never applies. A limit of zero allows nothing. Every
/// value is safe: a manager clamps any delay to at least 1 ms and at most 100 years, and a
/// [`ping_interval`](Self::ping_interval) to at most 12 days, which `Manager::config` shows.
/// Build it with `..Config::default()`, since fields may be added.
///
/// ```
/// use rtbroadcaster::{Config, Limit};
/// use std::time::Duration;
///
/// let grace = Limit::Max(Duration::from_secs(120));
/// let config = Config { owner_grace: grace, connections_per_address_max: Limit::None, ..Config::default() };
/// assert_eq!(config.message_bytes_max, Limit::Max(65_536));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The most bytes in one message from a client; a bigger one closes it with 1009. Default 65 536.
    pub message_bytes_max: Limit,

    /// The most messages a room keeps for viewers of version 2 that resume. Default 1 024.
    pub history_messages_max: Limit,
    /// The most bytes of key and params in a room's history, each as it stands in a frame: a control character of a key
    /// takes six. Default 1 MiB.
    pub history_bytes_max: Limit,
    /// The age at which a message leaves a room's history. Default 5 minutes.
    pub history_age_max: Limit<Duration>,

    /// The most keys in a room's state. Default 1 024.
    pub state_keys_max: Limit,
    /// The most bytes of key and params in a room's state, counted in the same way. Default 1 MiB.
    pub state_bytes_max: Limit,

    /// The most bytes that may wait for one client; each frame counts 128 bytes besides its own. Beyond it a viewer of
    /// version 2 loses events, and gets a notice and the state; any other client is closed with 4008. Default 256 KiB.
    pub backlog_bytes_max: Limit,
    /// How long the first waiting frame may wait before its client is closed with 4008. Default 10 s.
    pub stall_timeout: Limit<Duration>,
    /// How long a room's messages wait for more before they are sent together. Newer values of a key supersede waiting
    /// ones meanwhile, so many small changes become few and later writes. Default none: messages are sent at once.
    pub flush_interval: Limit<Duration>,
    /// How often the server pings clients (RFC 6455 section 5.5.2). A client that is silent for two intervals is closed
    /// with 4012; an owner whose room has viewers, after 10 s at the latest. Default 25 s.
    pub ping_interval: Limit<Duration>,

    /// The most rooms at one time. Default 100 000.
    pub rooms_max: Limit,
    /// The most rooms at one time whose owners came from one address (IPv6: one /64). Default 1 000.
    pub rooms_per_address_max: Limit,
    /// The most connections of viewers in one room; more joins are refused as `room full`. Default 20 000.
    pub viewers_per_room_max: Limit,
    /// The most choices that all rooms together remember: one for each viewer and each key that counts once per viewer
    /// ([`Counting::once_per_viewer`](crate::options::Counting::once_per_viewer)), also after the viewer has left. One
    /// key remembers at most two times [`viewers_per_room_max`](Self::viewers_per_room_max). Viewers whose first vote
    /// comes from one address (IPv6: one /64) have a fifth of each limit; of a key's limit, at least as many as may be
    /// there from that address. The vote of one more viewer is refused as `unavailable` until the owner clears the key.
    /// Default 1 000 000.
    pub voters_max: Limit,

    /// The most connections at one time; more handshakes are answered with 429. Default 20 000.
    pub connections_max: Limit,
    /// The most connections at one time from one address (IPv6: one /64), where the web server gives it, see `Arrival`.
    /// Default 1 000.
    pub connections_per_address_max: Limit,
    /// The most handshakes from one address in a second. Default 100.
    pub handshakes_per_address_per_second: Limit<u32>,
    /// The most bytes of state and of missed messages in a second that are replayed to clients at one address (IPv6:
    /// one /64) when they join, unpause or come back: key and params, and 128 bytes for each message. The bytes of ten
    /// seconds may be replayed at once; then such requests are refused as `rate` until the debt is repaid. Applies
    /// where the address is known, see `Arrival`. Default 4 MiB.
    pub replay_bytes_per_address_per_second: Limit<u32>,
    /// The most such bytes that wait for clients at one address; beyond it such requests are refused as `rate`. A
    /// client that takes a replay more slowly than 2 048 bytes a second, beyond [`stall_timeout`](Self::stall_timeout),
    /// is closed with 4008. Default 64 MiB.
    pub replay_bytes_per_address_max: Limit,
    /// The same for all clients together. Default 512 MiB.
    pub replay_bytes_max: Limit,
    /// The most signals from one viewer in a second; more are refused as `rate`. The signals of one second may come at
    /// once. With 0 all of them are refused. Default 5.
    pub signals_per_viewer_per_second: Limit<u32>,
    /// The most signals in one room in a second that the owner gets one by one; more are refused as `rate`. The signals
    /// of one second may come at once. Counted signals do not count here. With 0 the owner gets counts only. Default
    /// 200.
    pub signals_per_room_per_second: Limit<u32>,

    /// How long a connection may take from its accept to its first valid message; else it is closed with 4502.
    /// Default 5 s.
    pub first_message_timeout: Limit<Duration>,
    /// How long a connection may stay without a room, from its accept; else it is closed with 4502. Default 30 s.
    pub join_timeout: Limit<Duration>,
    /// How long a room waits for an owner that is gone, unless its creator asked for another time
    /// ([`RoomOptions::with_grace`](crate::options::RoomOptions::with_grace)). A room without an owner key, whose owner
    /// cannot come back, waits 30 s at most. Default 5 minutes: a page that is hidden may take 3 minutes to notice that
    /// its connection is gone. Below [`least_safe_grace`](Self::least_safe_grace) a room may end before its owner can
    /// have noticed.
    pub owner_grace: Limit<Duration>,
    /// The longest grace that a creator may ask for. Default 24 hours.
    pub owner_grace_max: Limit<Duration>,
    /// How long a room without an owner key lives while neither owner nor viewer is there. Default 60 s.
    pub room_idle_timeout: Limit<Duration>,

    /// The most bytes of messages and ids that all rooms together keep in the directory of `Manager::open`; its files
    /// take up to half as much again, and 64 MiB for the journal. Beyond it no room is created, and a room takes only
    /// messages that free as much as they take. Default none.
    pub data_bytes_max: Limit<u64>,
    /// The same for the rooms whose first owners came from one address (IPv6: one /64), where the address is known.
    /// Default 1 GiB.
    pub data_bytes_per_address_max: Limit<u64>,

    /// The secret by which viewers are recognized: the same on all servers of an installation. Default none: a manager
    /// uses the secret in the file `secret` of the directory of `Manager::open`, or a new one if it has no directory.
    pub secret: Option<Secret>,

    /// Origins of pages that may connect although they come from another host; each exactly, with scheme, host and
    /// port. Default none.
    pub allow_origins: Vec<Origin>,
    /// The origin under which clients reach this server, if that is not the `Host` of their requests, as behind a proxy
    /// that changes it: pages of that host and port may connect. Default none.
    pub public_url: Option<Origin>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            message_bytes_max: Limit::Max(64 * 1024),
            history_messages_max: Limit::Max(1_024),
            history_bytes_max: Limit::Max(1024 * 1024),
            history_age_max: Limit::Max(Duration::from_secs(5 * 60)),
            state_keys_max: Limit::Max(1_024),
            state_bytes_max: Limit::Max(1024 * 1024),
            backlog_bytes_max: Limit::Max(256 * 1024),
            stall_timeout: Limit::Max(Duration::from_secs(10)),
            flush_interval: Limit::None,
            ping_interval: Limit::Max(Duration::from_secs(25)),
            rooms_max: Limit::Max(100_000),
            rooms_per_address_max: Limit::Max(1_000),
            viewers_per_room_max: Limit::Max(20_000),
            voters_max: Limit::Max(1_000_000),
            connections_max: Limit::Max(20_000),
            connections_per_address_max: Limit::Max(1_000),
            handshakes_per_address_per_second: Limit::Max(100),
            replay_bytes_per_address_per_second: Limit::Max(4 * 1024 * 1024),
            replay_bytes_per_address_max: Limit::Max(64 * 1024 * 1024),
            replay_bytes_max: Limit::Max(512 * 1024 * 1024),
            signals_per_viewer_per_second: Limit::Max(5),
            signals_per_room_per_second: Limit::Max(200),
            first_message_timeout: Limit::Max(Duration::from_secs(5)),
            join_timeout: Limit::Max(Duration::from_secs(30)),
            owner_grace: Limit::Max(Duration::from_secs(5 * 60)),
            owner_grace_max: Limit::Max(Duration::from_secs(24 * 60 * 60)),
            room_idle_timeout: Limit::Max(Duration::from_secs(60)),
            data_bytes_max: Limit::None,
            data_bytes_per_address_max: Limit::Max(1024 * 1024 * 1024),
            secret: None,
            allow_origins: Vec::new(),
            public_url: None,
        }
    }
}

impl Config {
    /// Returns the shortest `owner_grace` with which no room ends before its owner can have noticed that its connection
    /// is gone. The server asks an owner for a sign of life every `ping_interval`: the result is two of these, and 5 s
    /// to come back. Zero without heartbeats, where nothing is safe.
    ///
    /// ```
    /// use rtbroadcaster::Config;
    ///
    /// let config = Config::default();
    /// assert_eq!(config.least_safe_grace().as_secs(), 55);
    /// assert!(config.owner_grace.most() >= config.least_safe_grace());
    /// ```
    pub fn least_safe_grace(&self) -> Duration {
        self.heartbeat()
            .map_or(Duration::ZERO, |interval| interval.saturating_mul(2).saturating_add(Duration::from_secs(5)))
    }

    /// Returns the time between two heartbeats of a viewer; `None` where there are none.
    pub fn heartbeat(&self) -> Option<Duration> {
        self.ping_interval.max()
    }

    /// Returns the configuration with every delay clamped: short enough to be added to any moment and sent to any
    /// client, and long enough to pass.
    pub fn bounded(mut self) -> Self {
        let bounded = |delay: Duration, longest| delay.clamp(SHORTEST, longest);
        for delay in [
            &mut self.history_age_max,
            &mut self.stall_timeout,
            &mut self.flush_interval,
            &mut self.first_message_timeout,
            &mut self.join_timeout,
            &mut self.owner_grace,
            &mut self.owner_grace_max,
            &mut self.room_idle_timeout,
        ] {
            *delay = delay.map(|delay| bounded(delay, LONGEST));
        }
        self.ping_interval = self.ping_interval.map(|interval| bounded(interval, PING_INTERVAL_LONGEST));
        self
    }
}

/// The longest delay: 100 years of 365.25 days.
pub const LONGEST: Duration = Duration::from_secs(100 * 31_557_600);

/// The shortest delay. With a delay of zero, repeated work such as heartbeats would repeat without a pause.
const SHORTEST: Duration = Duration::from_millis(1);

/// The longest time between two pings. A page counts two of them by a timer, which holds less than 2^31 milliseconds:
/// one above that fires at once.
const PING_INTERVAL_LONGEST: Duration = Duration::from_secs(12 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_delay_is_longer_than_a_clock_or_a_page_can_count_or_none_at_all() {
        let all = |delay| Config {
            history_age_max: Limit::Max(delay),
            stall_timeout: Limit::Max(delay),
            flush_interval: Limit::Max(delay),
            ping_interval: Limit::Max(delay),
            first_message_timeout: Limit::Max(delay),
            join_timeout: Limit::Max(delay),
            owner_grace: Limit::Max(delay),
            owner_grace_max: Limit::Max(delay),
            room_idle_timeout: Limit::Max(delay),
            ..Config::default()
        };
        for extreme in [Duration::MAX, Duration::ZERO] {
            let text = format!("{:?}", all(extreme).bounded());
            assert!(!text.contains(&format!("{extreme:?}")), "a delay was forgotten: {text}");
        }
        let bounded = all(Duration::MAX).bounded();
        assert!((2 * bounded.ping_interval.most()).as_millis() < 1 << 31);
        assert_eq!(bounded.owner_grace, Limit::Max(LONGEST));
        assert_eq!(Config::default().bounded(), Config::default());
    }
}
