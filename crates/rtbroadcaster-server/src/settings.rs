//! What the server is told: defaults, then a file, then variables, then flags, all by the one table of keys.
//! Must not know what the settings do.

mod file;
mod flags;
mod keys;
mod value;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use rtbroadcaster::{Ack, Config};

use crate::endpoint::Endpoint;
use crate::log;
use crate::network::Network;

pub(crate) use flags::Flags;
use keys::Key;
pub(crate) use keys::print_defaults;
pub(crate) use value::HostName;

/// Every setting of `rtbroadcaster serve`.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    /// Where metrics are, if anywhere.
    pub(crate) admin_listen: Option<SocketAddr>,
    /// Where rooms are kept, if not in memory only.
    pub(crate) data_dir: Option<PathBuf>,
    /// What is true of a message that is acknowledged where rooms are kept.
    pub(crate) ack: Ack,
    /// The word of a loss without which rooms are kept from now on.
    pub(crate) accept_data_loss: Option<String>,
    pub(crate) path: Endpoint,
    pub(crate) allow_hosts: Vec<HostName>,
    /// The proxies whose word about a client's address counts.
    pub(crate) trusted_proxies: Vec<Network>,
    /// Each connection begins with a PROXY header.
    pub(crate) proxy_protocol: bool,
    pub(crate) log: log::Filter,
    pub(crate) log_format: log::Format,
    /// The limits and delays of the library.
    pub(crate) config: Config,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            // Nowhere: a second server on the machine, or Prometheus itself, would have any port that stood here.
            admin_listen: None,
            data_dir: None,
            ack: Ack::default(),
            accept_data_loss: None,
            path: Endpoint::default(),
            allow_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            proxy_protocol: false,
            log: log::Filter::default(),
            log_format: log::Format::Text,
            config: Config::default(),
        }
    }
}

/// Where a value comes from, as an error names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Default,
    File { path: PathBuf, line: usize },
    Variable(String),
    Flag(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Default => write!(f, "default"),
            Place::File { path, line } => write!(f, "{}:{line}", path.display()),
            Place::Variable(name) => write!(f, "variable {name}"),
            Place::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// Why the settings cannot be used. Each names its place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("cannot read the configuration {path}: {error}")]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{place}: {message}")]
    NotToml { place: Place, message: String },
    #[error("{place}: unknown key `{key}`{}", nearest.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default())]
    Unknown { place: Place, key: String, nearest: Option<&'static str> },
    #[error("{place}: `{key}` cannot be `{text}`: {message}")]
    Invalid { place: Place, key: &'static str, text: String, message: String },
    #[error("{first} ({first_place}) and {second} ({second_place}) contradict each other: {message}")]
    Contradiction {
        first: &'static str,
        first_place: Place,
        second: &'static str,
        second_place: Place,
        message: &'static str,
    },
}

/// A setting that is not as it was. The values are as they stand in a file; an unset one is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: &'static str,
    pub(crate) old: String,
    pub(crate) new: String,
}

/// One value that was given, not yet understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    key: String,
    text: String,
    place: Place,
}

impl Settings {
    /// The settings from the defaults, the file that a flag or variable names, the variables and the flags.
    pub(crate) fn load(
        flags: &Flags,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let variables: Vec<Given> = variables.into_iter().filter_map(variable).collect();
        let named = |given: &&Given| given.key == "config";
        let path = flags.config().or_else(|| variables.iter().find(named).map(|given| PathBuf::from(&given.text)));
        let mut given = path.as_deref().map_or(Ok(Vec::new()), read)?;
        given.extend(variables.into_iter().filter(|given| given.key != "config"));
        given.extend(flags.given());
        Self::from_given(given)
    }

    /// What `new` has that is not as it is here, in the order of the documentation.
    pub(crate) fn changes(&self, new: &Self) -> Vec<Change> {
        let change = |key: &keys::Key| Change { key: key.name, old: (key.show)(self), new: (key.show)(new) };
        keys::KEYS.iter().map(change).filter(|change| change.old != change.new).collect()
    }

    fn from_given(given: Vec<Given>) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        let mut places = keys::Places::default();
        for Given { key: name, text, place } in given {
            let Some(key) = Key::named(&name) else {
                return Err(SettingsError::Unknown { place, nearest: Key::nearest(&name), key: name });
            };
            if let Err(message) = (key.set)(&mut settings, &text) {
                return Err(SettingsError::Invalid { place, key: key.name, text, message });
            }
            places.note(key.name, place);
        }
        settings.check(&places)?;
        Ok(settings)
    }

    /// The defaults with one value given by a flag.
    #[cfg(test)]
    pub(crate) fn with(key: &str, text: &str) -> Result<Self, SettingsError> {
        Self::from_given(vec![Given { key: key.into(), text: text.into(), place: Place::Flag(key.into()) }])
    }

    /// Settings that are fine by themselves and cannot both be meant.
    fn check(&self, places: &keys::Places) -> Result<(), SettingsError> {
        let config = &self.config;
        let below = |smaller: u128, greater: u128| smaller != 0 && greater != 0 && smaller < greater;
        let contradictions = [
            (
                self.admin_listen == Some(self.listen) && self.listen.port() != 0,
                ("admin_listen", "listen"),
                "metrics have an address of their own",
            ),
            (
                self.ack == Ack::Disk && self.data_dir.is_none(),
                ("ack", "data_dir"),
                "without a directory nothing is on a disk",
            ),
            (
                self.accept_data_loss.is_some() && self.data_dir.is_none(),
                ("accept_data_loss", "data_dir"),
                "without a directory nothing can be missing",
            ),
            (
                below(config.owner_grace.as_nanos(), config.least_safe_grace().as_nanos()),
                ("owner_grace", "ping_interval"),
                "a room may end before its owner can have noticed that its connection is gone; the least is two ping_interval \
                 and 5 s",
            ),
            (
                below(config.owner_grace_max.as_nanos(), config.owner_grace.as_nanos()),
                ("owner_grace_max", "owner_grace"),
                "a creator could not even ask for what every room has",
            ),
            (
                below(config.join_timeout.as_nanos(), config.first_message_timeout.as_nanos()),
                ("join_timeout", "first_message_timeout"),
                "a client has a room only after its first message",
            ),
            (
                below(config.backlog_bytes_max as u128, config.message_bytes_max as u128),
                ("backlog_bytes_max", "message_bytes_max"),
                "one message would be more than may wait for a viewer",
            ),
            (
                below(config.state_bytes_max as u128, config.message_bytes_max as u128),
                ("state_bytes_max", "message_bytes_max"),
                "one message would be more than a room's state may hold",
            ),
            (
                below(config.rooms_max as u128, config.rooms_per_address_max as u128)
                    && places.is_given("rooms_per_address_max"),
                ("rooms_max", "rooms_per_address_max"),
                "one address could have more rooms than there may be",
            ),
            (
                self.proxy_protocol && self.trusted_proxies.is_empty(),
                ("proxy_protocol", "trusted_proxies"),
                "only trusted proxies may send PROXY headers, so nobody could connect",
            ),
        ];
        for (contradicts, (first, second), message) in contradictions {
            if contradicts {
                let (first_place, second_place) = (places.of(first), places.of(second));
                return Err(SettingsError::Contradiction { first, first_place, second, second_place, message });
            }
        }
        Ok(())
    }
}

/// The prefix of all variables.
const PREFIX: &str = "RTB_";

fn variable((name, text): (String, String)) -> Option<Given> {
    let key = name.strip_prefix(PREFIX)?.to_ascii_lowercase();
    Some(Given { key, text, place: Place::Variable(name) })
}

fn read(path: &Path) -> Result<Vec<Given>, SettingsError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| SettingsError::Unreadable { path: path.to_owned(), error })?;
    file::parse(path, &text)
}

#[cfg(test)]
mod tests;
