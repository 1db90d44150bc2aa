//! The one table of settings: name, group, meaning, and how text becomes the value and back.
//! Must not know where the text comes from.

use std::collections::HashMap;
use std::fmt::Write;

use super::value::{Limit, Shape, Value};
use super::{Place, Settings};

/// One setting.
pub(crate) struct Key {
    /// In a file; the flag is the same with hyphens, the variable the same in capitals behind `RTB_`.
    pub(super) name: &'static str,
    pub(super) group: Group,
    /// One sentence, without a full stop.
    pub(super) help: &'static str,
    pub(super) placeholder: &'static str,
    pub(super) shape: Shape,
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
    ($($group:ident { $($name:ident => $($field:ident).+ : $type:ty, $help:literal;)* })*) => {
        /// Every setting, in the order of the documentation.
        pub(super) static KEYS: &[Key] = &[$($(Key {
            name: stringify!($name),
            group: Group::$group,
            help: $help,
            placeholder: <$type as Value>::PLACEHOLDER,
            shape: <$type as Value>::SHAPE,
            set: |settings, text| {
                settings.$($field).+ = <$type as Value>::parse(text)?.into();
                Ok(())
            },
            show: |settings| <$type as Value>::show(&settings.$($field).+.clone().into()),
        },)*)*];
    };
}

keys! {
    Server {
        listen => listen: std::net::SocketAddr, "Address and port to listen on; port 0 takes a free one";
        admin_listen => admin_listen: Option<std::net::SocketAddr>, "Address and port of /metrics for Prometheus; without it there are none";
        data_dir => data_dir: Option<std::path::PathBuf>, "Directory in which rooms are kept, so that they outlive the server; without it they are in memory only";
        accept_data_loss => accept_data_loss: Option<String>, "With data_dir, the word that a refused start printed: go on without what is missing; it fits no other loss";
        data_bytes_max => config.data_bytes_max: Limit<u64>, "With data_dir, most bytes of messages and ids that all rooms keep; the files take up to half as much again and 64 MiB";
        data_bytes_per_address_max => config.data_bytes_per_address_max: Limit<u64>, "The same for the rooms whose owners come from one address";
        ack => ack: rtbroadcaster::Ack, "With data_dir, what is true of a message when it is acknowledged: written (survives the server) or disk (survives a loss of power)";
        path => path: crate::endpoint::Endpoint, "Path of the WebSocket endpoint";
        log => log: crate::log::Filter, "What to log on stderr: error, warn, info, debug, trace or off, also by module (info,rtbroadcaster=debug)";
        log_format => log_format: crate::log::Format, "How to write the log: text or json";
    }
    Pages {
        allow_origin => config.allow_origins: Vec<rtbroadcaster::Origin>, "Origins of pages from other hosts that may connect, each exactly; the flag may be repeated";
        public_url => config.public_url: Option<rtbroadcaster::Origin>, "Where the world finds this server behind a proxy; its pages may connect";
        allow_host => allow_hosts: Vec<super::HostName>, "Host names besides localhost under which a server on a loopback address answers; the flag may be repeated";
    }
    Proxies {
        trusted_proxies => trusted_proxies: Vec<crate::network::Network>, "Addresses and networks of proxies that tell a client's address by X-Forwarded-For; the flag may be repeated";
        proxy_protocol => proxy_protocol: bool, "Whether each connection begins with a PROXY header (version 1 or 2); others than the trusted proxies are closed";
    }
    Messages {
        message_bytes_max => config.message_bytes_max: usize, "Most bytes in one message from a client";
        history_messages_max => config.history_messages_max: usize, "Most messages that a room keeps for viewers that come back";
        history_bytes_max => config.history_bytes_max: usize, "Most bytes of key and params in these messages";
        history_age_max => config.history_age_max: std::time::Duration, "Age at which these messages are forgotten";
        state_keys_max => config.state_keys_max: usize, "Most keys in a room's state";
        state_bytes_max => config.state_bytes_max: usize, "Most bytes in a room's state";
    }
    Viewers {
        backlog_bytes_max => config.backlog_bytes_max: usize, "Most bytes that may wait for one viewer";
        stall_timeout => config.stall_timeout: std::time::Duration, "How long the first frame that waits may wait before its viewer is closed";
        flush_interval => config.flush_interval: std::time::Duration, "How long messages wait for more, to be sent together; 0 sends them at once";
        ping_interval => config.ping_interval: std::time::Duration, "How often viewers are pinged; silent for two of these, they are closed";
    }
    Rooms {
        rooms_max => config.rooms_max: usize, "Most rooms";
        rooms_per_address_max => config.rooms_per_address_max: usize, "Most rooms whose owners come from one address";
        viewers_per_room_max => config.viewers_per_room_max: usize, "Most viewers in one room";
        owner_grace => config.owner_grace: Limit<std::time::Duration>, "How long a room waits for an owner that is gone, unless its creator asks for another time; at least two ping_interval and 5 s";
        owner_grace_max => config.owner_grace_max: Limit<std::time::Duration>, "Longest time for which a creator may have its room wait for its owner";
        room_idle_timeout => config.room_idle_timeout: std::time::Duration, "How long a room without an owner key lives with neither owner nor viewer";
    }
    Connections {
        connections_max => config.connections_max: usize, "Most connections, plain HTTP included; never more than the open files carry";
        connections_per_address_max => config.connections_per_address_max: usize, "Most WebSocket connections from one address";
        http_connections_per_address_max => http_connections_per_address_max: usize, "Most connections of plain HTTP from one address; at this limit the one that has been idle longest is closed";
        keep_alive_timeout => keep_alive_timeout: std::time::Duration, "How long a connection of plain HTTP may be idle behind an answer";
        handshakes_per_address_per_second => config.handshakes_per_address_per_second: u32, "Most handshakes from one address in a second";
        replay_bytes_per_address_per_second => config.replay_bytes_per_address_per_second: u32, "Most bytes of state and missed messages told to one address in a second; what ten seconds bring may be had at once";
        replay_bytes_per_address_max => config.replay_bytes_per_address_max: usize, "Most such bytes that one address has been told and not taken yet";
        replay_bytes_max => config.replay_bytes_max: usize, "The same for all addresses together";
        signals_per_viewer_per_second => config.signals_per_viewer_per_second: u32, "Most signals from one viewer in a second";
        signals_per_room_per_second => config.signals_per_room_per_second: u32, "Most signals in one room in a second that the owner is told one by one";
        first_message_timeout => config.first_message_timeout: std::time::Duration, "Time from the accept to the first valid message";
        join_timeout => config.join_timeout: std::time::Duration, "Time from the accept to a room";
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
}

/// Where each value comes from.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<&'static str, Place>);

impl Places {
    pub(super) fn note(&mut self, key: &'static str, place: Place) {
        self.0.insert(key, place);
    }

    pub(super) fn of(&self, key: &str) -> Place {
        self.0.get(key).cloned().unwrap_or(Place::Default)
    }

    pub(super) fn is_given(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }
}

/// The defaults as a configuration file with its comments.
pub(crate) fn print_defaults() -> String {
    let defaults = Settings::default();
    let mut text = String::from(
        "# The configuration of `rtbroadcaster serve`, with all defaults. Each key is also a flag (--owner-grace) and a\n\
         # variable (RTB_OWNER_GRACE); flags win over variables, variables over this file. Sizes are bytes, durations\n\
         # are written 250ms, 10s or 5m. 0 lifts a limit, and where it says so none does.\n",
    );
    let mut group = None;
    for key in KEYS {
        if group.replace(key.group) != Some(key.group) {
            write!(text, "\n## {}\n\n", key.group.title()).expect("writing to a string does not fail");
        }
        let (help, name, value) = (key.help, key.name, (key.show)(&defaults));
        // An unset value has no TOML.
        let mark = if value.is_empty() { "# " } else { "" };
        let value = if value.is_empty() { format!("\"{}\"", key.placeholder) } else { value };
        writeln!(text, "# {help}\n{mark}{name} = {value}").expect("writing to a string does not fail");
    }
    text
}
