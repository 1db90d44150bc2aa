//! The one table of settings: name, group, allowed range, meaning, and how text becomes the value and back.
//! Must not know where the text comes from.

use std::time::Duration;

use rtbroadcaster::Limit;

use super::Settings;
use super::range::Range::{Any, AtLeastOne, Web};
use super::range::{Lifted, Range};
use super::value::{Shape, Value};

/// One setting.
pub(crate) struct Key {
    /// In a file; the flag is the same with hyphens, the variable the same in capitals behind `RTB_`.
    pub(super) name: &'static str,
    pub(super) group: Group,
    /// One sentence, without a full stop.
    help: &'static str,
    pub(super) placeholder: &'static str,
    pub(super) shape: Shape,
    /// Which values are allowed.
    pub(super) range: Range,
    pub(super) set: fn(&mut Settings, &str) -> Result<(), String>,
    /// As it would stand in a file.
    pub(super) show: fn(&Settings) -> String,
}

/// What a setting is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Server,
    Pages,
    Proxies,
    Messages,
    Viewers,
    Rooms,
    Connections,
}

impl Group {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Group::Server => "Server",
            Group::Pages => "Pages that may connect",
            Group::Proxies => "Behind a proxy",
            Group::Messages => "Messages, history and state of a room",
            Group::Viewers => "Slow and silent viewers",
            Group::Rooms => "Rooms",
            Group::Connections => "Connections",
        }
    }
}

macro_rules! keys {
    ($($group:ident { $($name:ident => $($field:ident).+ : $type:ty, $range:expr, $help:literal;)* })*) => {
        /// Every setting, in the order of the documentation.
        pub(super) static KEYS: &[Key] = &[$($(Key {
            name: stringify!($name),
            group: Group::$group,
            help: $help,
            placeholder: <$type as Value>::PLACEHOLDER,
            shape: <$type as Value>::SHAPE,
            range: $range,
            set: |settings, text| {
                settings.$($field).+ = <$type as Value>::parse(text, $range)?;
                Ok(())
            },
            show: |settings| <$type as Value>::show(&settings.$($field).+, $range),
        },)*)*];
    };
}

const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
const EIB: u64 = 1 << 60;

/// More of anything than a machine serves.
const MANY: u64 = 1_000_000_000;
/// More in a second than a machine serves.
const FAST: u64 = 1_000_000;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// 100 years, each as long as a humantime year.
const CENTURY: Duration = Duration::from_secs(100 * 31_557_600);

/// The longest that a timer of a page can count twice: its milliseconds are below 2^31.
const PING_INTERVAL_MAX: Duration = Duration::from_secs(12 * 24 * 60 * 60);

/// The least time for a peer to do something: less is over before an answer can have come through a network.
const ROUND_TRIP: Duration = Duration::from_millis(100);

const fn number(least: u64, most: u64) -> Range {
    Range::Number(least, most, Lifted::ByNone)
}

const fn time(least: Duration, most: Duration) -> Range {
    Range::Time(least, most, Lifted::ByNone)
}

keys! {
    Server {
        listen => listen: Vec<crate::address::Address>, AtLeastOne, "Where to listen: IP addresses or host names, each with a port; port 0 takes a free one; the flag may be repeated; where it is given nowhere, the variable PORT is a port on all interfaces";
        admin_listen => admin_listen: Option<crate::address::Address>, Any, "Address or host name, and port, of /metrics for Prometheus; without it there are none";
        data_dir => data_dir: Option<std::path::PathBuf>, Any, "Directory in which rooms are kept, so that they outlive the server; without it they are in memory only";
        accept_data_loss => accept_data_loss: Option<String>, Any, "With data_dir, the word that a refused start printed: go on without what is missing; it fits no other loss";
        data_bytes_max => config.data_bytes_max: Limit<u64>, number(1, EIB), "With data_dir, most bytes of messages and ids that all rooms keep; the files take up to half as much again and 64 MiB";
        data_bytes_per_address_max => config.data_bytes_per_address_max: Limit<u64>, number(1, EIB), "The same for the rooms whose owners come from one address";
        secret_file => secret_file: Option<crate::secret_file::SecretFile>, Any, "File with the secret by which viewers are recognized, 64 hexadecimal digits, the same for all servers of an installation; without it the file secret in data_dir, which the first start makes";
        ack => ack: rtbroadcaster::Ack, Any, "With data_dir, what is true of a message when it is acknowledged: written (survives the server) or disk (survives a loss of power)";
        path => path: crate::endpoint::Endpoint, Any, "Path of the WebSocket endpoint";
        log => log: crate::log::Filter, Any, "What to log on stderr: error, warn, info, debug, trace or off, also by module (info,rtbroadcaster=debug)";
        log_format => log_format: crate::log::Format, Any, "How to write the log: text or json";
    }
    Pages {
        allow_origin => config.allow_origins: Vec<rtbroadcaster::Origin>, Any, "Origins of pages from other hosts, and of apps (capacitor://localhost), that may connect, each exactly; the flag may be repeated";
        public_url => config.public_url: Option<rtbroadcaster::Origin>, Web, "Where the world finds this server behind a proxy, http:// or https://; its pages may connect";
        allow_host => allow_hosts: Vec<crate::host_name::HostName>, Any, "Host names besides localhost under which a server on a loopback address answers; the flag may be repeated";
    }
    Proxies {
        trusted_proxies => trusted_proxies: Vec<crate::network::Network>, Any, "Addresses and networks of proxies that tell a client's address by X-Forwarded-For; the flag may be repeated";
        proxy_protocol => proxy_protocol: bool, Any, "Whether each connection begins with a PROXY header (version 1 or 2); others than the trusted proxies are closed";
    }
    Messages {
        message_bytes_max => config.message_bytes_max: Limit, number(128, GIB), "Most bytes in one message from a client";
        history_messages_max => config.history_messages_max: Limit, number(1, MANY), "Most messages that a room keeps for viewers that come back";
        history_bytes_max => config.history_bytes_max: Limit, number(1, TIB), "Most bytes of key and params in these messages";
        history_age_max => config.history_age_max: Limit<Duration>, time(MILLISECOND, CENTURY), "Age at which these messages are forgotten";
        state_keys_max => config.state_keys_max: Limit, number(1, MANY), "Most keys in a room's state";
        state_bytes_max => config.state_bytes_max: Limit, number(1, TIB), "Most bytes in a room's state";
    }
    Viewers {
        backlog_bytes_max => config.backlog_bytes_max: Limit, number(KIB, TIB), "Most bytes that may wait for one viewer";
        stall_timeout => config.stall_timeout: Limit<Duration>, time(ROUND_TRIP, DAY), "How long the first frame that waits may wait before its viewer is closed";
        flush_interval => config.flush_interval: Limit<Duration>, time(MILLISECOND, Duration::from_secs(10)), "How long messages wait for more, to be sent together; none sends them at once";
        ping_interval => config.ping_interval: Limit<Duration>, time(ROUND_TRIP, PING_INTERVAL_MAX), "How often viewers are pinged; silent for two of these, they are closed";
    }
    Rooms {
        rooms_max => config.rooms_max: Limit, number(1, MANY), "Most rooms";
        rooms_per_address_max => config.rooms_per_address_max: Limit, number(1, MANY), "Most rooms whose owners come from one address";
        viewers_per_room_max => config.viewers_per_room_max: Limit, number(1, MANY), "Most connections of viewers in one room";
        voters_max => config.voters_max: Limit, number(1, MANY), "Most choices of viewers that all rooms remember; one key remembers at most twice viewers_per_room_max";
        owner_grace => config.owner_grace: Limit<Duration>, time(MILLISECOND, CENTURY), "How long a room waits for an owner that is gone, unless its creator asks for another time; at least two ping_interval and 5 s";
        owner_grace_max => config.owner_grace_max: Limit<Duration>, time(MILLISECOND, CENTURY), "Longest time for which a creator may have its room wait for its owner";
        room_idle_timeout => config.room_idle_timeout: Limit<Duration>, time(MILLISECOND, CENTURY), "How long a room without an owner key lives with neither owner nor viewer";
    }
    Connections {
        keep_alive_timeout => keep_alive_timeout: Duration, Range::Time(SECOND, Duration::from_secs(60 * 60), Lifted::Never), "How long a connection may be idle between two HTTP requests; longer than a proxy or balancer in front keeps it";
        connections_max => config.connections_max: Limit, number(1, MANY), "Most connections, plain HTTP included; never more than the open files carry";
        connections_per_address_max => config.connections_per_address_max: Limit, number(1, MANY), "Most WebSocket connections from one address";
        http_connections_per_address_max => http_connections_per_address_max: Limit, number(1, MANY), "Most connections of plain HTTP from one address; at this limit the one that has been idle longest is closed";
        handshakes_per_address_per_second => config.handshakes_per_address_per_second: Limit<u32>, number(1, FAST), "Most handshakes from one address in a second";
        replay_bytes_per_address_per_second => config.replay_bytes_per_address_per_second: Limit<u32>, number(KIB, u32::MAX as u64), "Most bytes of state and missed messages told to one address in a second; what ten seconds bring may be had at once";
        replay_bytes_per_address_max => config.replay_bytes_per_address_max: Limit, number(KIB, TIB), "Most such bytes that one address has been told and not taken yet";
        replay_bytes_max => config.replay_bytes_max: Limit, number(KIB, TIB), "The same for all addresses together";
        signals_per_viewer_per_second => config.signals_per_viewer_per_second: Limit<u32>, number(0, FAST), "Most signals from one viewer in a second; 0 allows none";
        signals_per_room_per_second => config.signals_per_room_per_second: Limit<u32>, number(0, FAST), "Most signals in one room in a second that the owner is told one by one; 0 allows none";
        first_message_timeout => config.first_message_timeout: Limit<Duration>, time(ROUND_TRIP, DAY), "Time from the accept to the first valid message";
        join_timeout => config.join_timeout: Limit<Duration>, time(ROUND_TRIP, DAY), "Time from the accept to a room";
    }
}

/// How like a name has to be to be suggested, from 0 to 1.
const LIKENESS_MIN: f64 = 0.8;

impl Key {
    pub(super) fn named(name: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The name that was probably meant.
    pub(super) fn nearest(name: &str) -> Option<&'static str> {
        let likeness = |key: &Key| strsim::jaro_winkler(key.name, name);
        let nearest = KEYS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
        (likeness(nearest) >= LIKENESS_MIN).then_some(nearest.name)
    }

    /// The flag without its hyphens in front.
    pub(super) fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// What it means and which values are allowed.
    pub(super) fn help(&self) -> String {
        let (help, range) = (self.help, self.range.to_string());
        if range.is_empty() { help.to_owned() } else { format!("{help} [{range}]") }
    }
}
