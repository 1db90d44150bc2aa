//! The table of all settings: name, group, range, help, and the functions that read and write the value.
//! Must not know where the text of a value comes from.

use std::time::Duration;

use rtbroadcaster::Limit;

use super::Settings;
use super::range::Range::{Any, AtLeastOne, Web};
use super::range::{Lifted, Range};
use super::value::{SettingValue, Shape};

/// One setting.
pub(crate) struct SettingKey {
    /// The name in a file. The flag has hyphens instead of underscores, the variable is in capitals behind `RTB_`.
    pub(super) name: &'static str,
    pub(super) group: Group,
    /// The help: one sentence, without a full stop.
    help: &'static str,
    pub(super) placeholder: &'static str,
    pub(super) shape: Shape,
    /// The allowed values.
    pub(super) range: Range,
    pub(super) set: fn(&mut Settings, &str) -> Result<(), String>,
    /// Returns the value as it is written in a file.
    pub(super) show: fn(&Settings) -> String,
}

/// The group of a setting in the help and in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Server,
    Cluster,
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
            Group::Cluster => "Several servers with the same rooms",
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
        pub(super) static KEYS: &[SettingKey] = &[$($(SettingKey {
            name: stringify!($name),
            group: Group::$group,
            help: $help,
            placeholder: <$type as SettingValue>::PLACEHOLDER,
            shape: <$type as SettingValue>::SHAPE,
            range: $range,
            set: |settings, text| {
                settings.$($field).+ = <$type as SettingValue>::parse(text, $range)?;
                Ok(())
            },
            show: |settings| <$type as SettingValue>::show(&settings.$($field).+, $range),
        },)*)*];
    };
}

const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
const EIB: u64 = 1 << 60;

/// More of anything than one machine can serve.
const MANY: u64 = 1_000_000_000;
/// More per second than one machine can serve.
const FAST: u64 = 1_000_000;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// 100 years, each as long as a humantime year.
const CENTURY: Duration = Duration::from_secs(100 * 31_557_600);

/// The longest interval that a browser's timer can count twice: its milliseconds are below 2^31.
const PING_INTERVAL_MAX: Duration = Duration::from_secs(12 * 24 * 60 * 60);

/// The least time for a peer to respond: a shorter time may end before a response has crossed the network.
const ROUND_TRIP: Duration = Duration::from_millis(100);

const fn number(least: u64, most: u64) -> Range {
    Range::Number(least, most, Lifted::ByNone)
}

const fn time(least: Duration, most: Duration) -> Range {
    Range::Time(least, most, Lifted::ByNone)
}

keys! {
    Server {
        listen => listen: Vec<crate::address::ListenAddress>, AtLeastOne, "Addresses to listen on: IP addresses or host names, each with a port; port 0 takes a free one; the flag may be repeated; if it is set nowhere, the server listens on the port in the variable PORT, on all interfaces";
        admin_listen => admin_listen: Option<crate::address::ListenAddress>, Any, "Address or host name, and port, that serves /metrics for Prometheus; without it there are no metrics";
        data_dir => data_dir: Option<std::path::PathBuf>, Any, "Directory in which rooms are kept, so that they survive a restart; without it they are in memory only";
        accept_data_loss => accept_data_loss: Option<String>, Any, "With data_dir, the word that a refused start has printed: start without the missing data; valid for this loss only";
        data_bytes_max => config.data_bytes_max: Limit<u64>, number(1, EIB), "With data_dir, most bytes of messages and ids that all rooms keep; the files need up to 50 % more, and 64 MiB";
        data_bytes_per_address_max => config.data_bytes_per_address_max: Limit<u64>, number(1, EIB), "Most such bytes of the rooms whose owners come from one address";
        secret_file => secret_file: Option<crate::secret_file::SecretFile>, Any, "File with the secret by which viewers are recognized, 64 hexadecimal digits, the same for all servers of an installation; without it the file secret in data_dir, which the first start creates";
        ack => ack: rtbroadcaster::Ack, Any, "With data_dir, when a message is acknowledged: written (it survives a crash of the server) or disk (it survives a loss of power)";
        path => path: crate::endpoint::Endpoint, Any, "Path of the WebSocket endpoint";
        log => log: crate::log::Filter, Any, "Level of the log on stderr: error, warn, info, debug, trace or off, also by module (info,rtbroadcaster=debug)";
        log_format => log_format: crate::log::Format, Any, "Format of the log: text or json";
    }
    Cluster {
        nats => nats: Option<crate::nats_servers::NatsServers>, Any, "NATS servers with JetStream, by which several servers have the same rooms, each of them reachable by any client: nats://HOST:PORT or tls://HOST:PORT, separated by commas; needs secret_file";
        nats_namespace => nats_namespace: crate::nats_servers::Namespace, Any, "Name of the installation, the same for all of its servers; installations that share NATS servers have different names";
        nats_replicas => nats_replicas: usize, Range::Number(1, 5, Lifted::Never), "How many NATS servers have a message before it is acknowledged: 1, 3 or 5; with 1, the loss of one server loses rooms";
        nats_memory => nats_memory: bool, Any, "Whether the NATS servers keep rooms in memory only: they are lost when most of these servers end";
        nats_credentials => nats_credentials: Option<crate::nats_servers::NatsFile>, Any, "File with the credentials for NATS, as nsc writes it";
        nats_ca => nats_ca: Option<crate::nats_servers::NatsFile>, Any, "File of PEM with certificate authorities to trust for tls://, besides those of the system";
        nats_monitor => nats_monitor: Option<crate::nats_servers::NatsMonitors>, Any, "Monitoring addresses of the NATS servers, one of each: http://HOST:PORT, separated by commas; they tell whether the servers sync each write";
        nats_system_credentials => nats_system_credentials: Option<crate::nats_servers::NatsFile>, Any, "The same in place of nats_monitor: file with the credentials of a user of the system account";
        require_durable => require_durable: bool, Any, "Whether to start only if it is proven that acknowledged messages survive a loss of power of all NATS servers (durability cluster-disk)";
    }
    Pages {
        allow_origin => config.allow_origins: Vec<rtbroadcaster::Origin>, Any, "Origins of pages from other hosts, and of apps (capacitor://localhost), that may connect, each matched exactly; the flag may be repeated";
        public_url => config.public_url: Option<rtbroadcaster::Origin>, Web, "Public URL of this server behind a proxy, http:// or https://; its pages may connect";
        allow_host => allow_hosts: Vec<crate::host_name::HostName>, Any, "Host names that a server on a loopback address accepts besides localhost; the flag may be repeated";
    }
    Proxies {
        trusted_proxies => trusted_proxies: Vec<crate::network::Network>, Any, "Addresses and networks of proxies whose X-Forwarded-For is trusted; the flag may be repeated";
        proxy_protocol => proxy_protocol: bool, Any, "Whether each connection begins with a PROXY header (version 1 or 2); connections that are not from trusted proxies are closed";
    }
    Messages {
        message_bytes_max => config.message_bytes_max: Limit, number(128, GIB), "Most bytes in one message from a client";
        history_messages_max => config.history_messages_max: Limit, number(1, MANY), "Most messages that a room keeps for viewers that resume";
        history_bytes_max => config.history_bytes_max: Limit, number(1, TIB), "Most bytes of key and params in these messages";
        history_age_max => config.history_age_max: Limit<Duration>, time(MILLISECOND, CENTURY), "Age at which these messages are dropped";
        state_keys_max => config.state_keys_max: Limit, number(1, MANY), "Most keys in a room's state";
        state_bytes_max => config.state_bytes_max: Limit, number(1, TIB), "Most bytes in a room's state";
    }
    Viewers {
        backlog_bytes_max => config.backlog_bytes_max: Limit, number(KIB, TIB), "Most bytes in the backlog of one viewer";
        stall_timeout => config.stall_timeout: Limit<Duration>, time(ROUND_TRIP, DAY), "How long the first frame in a backlog may wait before its viewer is disconnected";
        flush_interval => config.flush_interval: Limit<Duration>, time(MILLISECOND, Duration::from_secs(10)), "How long messages wait for further ones, to be sent together; none sends them at once";
        ping_interval => config.ping_interval: Limit<Duration>, time(ROUND_TRIP, PING_INTERVAL_MAX), "Interval between pings to viewers; a viewer that is silent for two intervals is disconnected";
    }
    Rooms {
        rooms_max => config.rooms_max: Limit, number(1, MANY), "Most rooms of the server";
        rooms_per_address_max => config.rooms_per_address_max: Limit, number(1, MANY), "Most rooms whose owners come from one address";
        viewers_per_room_max => config.viewers_per_room_max: Limit, number(1, MANY), "Most connections of viewers in one room";
        voters_max => config.voters_max: Limit, number(1, MANY), "Most choices of viewers that all rooms remember; for one key at most twice viewers_per_room_max";
        owner_grace => config.owner_grace: Limit<Duration>, time(MILLISECOND, CENTURY), "How long a room waits for a lost owner, unless its creator requests another time; at least two ping_interval and 5 s";
        owner_grace_max => config.owner_grace_max: Limit<Duration>, time(MILLISECOND, CENTURY), "Longest time that a creator may request for owner_grace";
        room_idle_timeout => config.room_idle_timeout: Limit<Duration>, time(MILLISECOND, CENTURY), "How long a room without an owner key lives without owner and viewers";
    }
    Connections {
        keep_alive_timeout => keep_alive_timeout: Duration, Range::Time(SECOND, Duration::from_secs(60 * 60), Lifted::Never), "How long a connection may be idle between two HTTP requests; set it above the idle timeout of a proxy or load balancer in front";
        connections_max => config.connections_max: Limit, number(1, MANY), "Most connections, plain HTTP included; never more than the limit of open files allows";
        connections_per_address_max => config.connections_per_address_max: Limit, number(1, MANY), "Most WebSocket connections from one address";
        http_connections_per_address_max => http_connections_per_address_max: Limit, number(1, MANY), "Most connections of plain HTTP from one address; at this limit the one that has been idle longest is closed";
        handshakes_per_address_per_second => config.handshakes_per_address_per_second: Limit<u32>, number(1, FAST), "Most handshakes from one address per second";
        replay_bytes_per_address_per_second => config.replay_bytes_per_address_per_second: Limit<u32>, number(KIB, u32::MAX as u64), "Most bytes of state and missed messages replayed to one address per second; a burst may use ten seconds' worth";
        replay_bytes_per_address_max => config.replay_bytes_per_address_max: Limit, number(KIB, TIB), "Most such bytes in flight to one address";
        replay_bytes_max => config.replay_bytes_max: Limit, number(KIB, TIB), "Most such bytes in flight to all addresses together";
        signals_per_viewer_per_second => config.signals_per_viewer_per_second: Limit<u32>, number(0, FAST), "Most signals from one viewer per second; 0 allows none";
        signals_per_room_per_second => config.signals_per_room_per_second: Limit<u32>, number(0, FAST), "Most uncounted signals in one room per second, each of which is sent to the owner; 0 allows none";
        first_message_timeout => config.first_message_timeout: Limit<Duration>, time(ROUND_TRIP, DAY), "Time from the accept to the first valid message";
        join_timeout => config.join_timeout: Limit<Duration>, time(ROUND_TRIP, DAY), "Time from the accept to a room";
    }
}

/// The least similarity of a name that is suggested, from 0 to 1.
const LIKENESS_MIN: f64 = 0.8;

impl SettingKey {
    pub(super) fn named(name: &str) -> Option<&'static SettingKey> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// Returns the most similar name, if it is similar enough to be meant.
    pub(super) fn nearest(name: &str) -> Option<&'static str> {
        let likeness = |key: &SettingKey| strsim::jaro_winkler(key.name, name);
        let nearest = KEYS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
        (likeness(nearest) >= LIKENESS_MIN).then_some(nearest.name)
    }

    /// Returns the name of the flag, without the leading hyphens.
    pub(super) fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Returns the help text with the allowed range.
    pub(super) fn help(&self) -> String {
        let (help, range) = (self.help, self.range.to_string());
        if range.is_empty() { help.to_owned() } else { format!("{help} [{range}]") }
    }
}
