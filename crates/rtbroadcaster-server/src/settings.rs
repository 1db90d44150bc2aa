//! The settings of the server: defaults, then a file, then variables, then flags, all read by one table of keys.
//! Must not know what the settings do.

mod contradictions;
mod file;
mod flags;
mod keys;
mod locations;
mod print;
mod range;
mod value;
mod variables;

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rtbroadcaster::{Ack, Config, Limit};

use crate::address::ListenAddress;
use crate::endpoint::Endpoint;
use crate::host_name::HostName;
use crate::log;
use crate::nats_servers::{Namespace, NatsFile, NatsMonitors, NatsServers};
use crate::network::Network;
use crate::secret_file::SecretFile;

pub(crate) use flags::Flags;
use keys::SettingKey;
pub(crate) use locations::Location;
use locations::Locations;
pub(crate) use print::print_defaults;
use variables::Variables;

/// Every setting of `rtbroadcaster serve`.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The addresses to listen on, at least one.
    pub(crate) listen: Vec<ListenAddress>,
    /// The address of the metrics, if there are any.
    pub(crate) admin_listen: Option<ListenAddress>,
    /// The directory in which rooms are kept; without one they are in memory only.
    pub(crate) data_dir: Option<PathBuf>,
    /// The NATS servers by which several servers have the same rooms, and how they are used.
    pub(crate) nats: Option<NatsServers>,
    pub(crate) nats_namespace: Namespace,
    pub(crate) nats_replicas: usize,
    pub(crate) nats_memory: bool,
    pub(crate) nats_credentials: Option<NatsFile>,
    pub(crate) nats_ca: Option<NatsFile>,
    pub(crate) nats_monitor: Option<NatsMonitors>,
    pub(crate) nats_system_credentials: Option<NatsFile>,
    pub(crate) require_durable: bool,
    /// The file with the secret by which viewers are recognized; without one it is in that directory.
    pub(crate) secret_file: Option<SecretFile>,
    /// What an acknowledged message survives, if rooms are kept.
    pub(crate) ack: Ack,
    /// The word of the data loss that the operator accepts.
    pub(crate) accept_data_loss: Option<String>,
    pub(crate) path: Endpoint,
    pub(crate) allow_hosts: Vec<HostName>,
    /// The proxies that are trusted about a client's address.
    pub(crate) trusted_proxies: Vec<Network>,
    /// Each connection must begin with a PROXY header.
    pub(crate) proxy_protocol: bool,
    /// The most connections of plain HTTP from one address.
    pub(crate) http_connections_per_address_max: Limit,
    /// How long such a connection may be idle after a response.
    pub(crate) keep_alive_timeout: Duration,
    pub(crate) log: log::Filter,
    pub(crate) log_format: log::Format,
    /// The limits and delays of the library.
    pub(crate) config: Config,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec![ListenAddress::Ip(([127, 0, 0, 1], 8080).into())],
            // No default: a second server on the machine, or Prometheus itself, would use the same port.
            admin_listen: None,
            data_dir: None,
            nats: None,
            nats_namespace: Namespace::default(),
            nats_replicas: 3,
            nats_memory: false,
            nats_credentials: None,
            nats_ca: None,
            nats_monitor: None,
            nats_system_credentials: None,
            require_durable: false,
            secret_file: None,
            ack: Ack::default(),
            accept_data_loss: None,
            path: Endpoint::default(),
            allow_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            proxy_protocol: false,
            http_connections_per_address_max: Limit::Max(1_000),
            // Above the 60 s of nginx and of common load balancers. A server that closes before them may cut off a
            // request that is on its way.
            keep_alive_timeout: Duration::from_secs(75),
            log: log::Filter::default(),
            log_format: log::Format::Text,
            config: Config::default(),
        }
    }
}

/// A problem of the settings. Each names the location of the value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("cannot read the configuration {path}: {error}")]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{location}: {message}")]
    NotToml { location: Location, message: String },
    #[error("{location}: unknown key `{key}`{}", nearest.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default())]
    Unknown { location: Location, key: String, nearest: Option<&'static str> },
    #[error("{location}: `{key}` cannot be `{text}`: {message}")]
    Invalid { location: Location, key: &'static str, text: String, message: String },
    #[error("{first} ({first_location}) and {second} ({second_location}) contradict each other: {message}")]
    Contradiction {
        first: &'static str,
        first_location: Location,
        second: &'static str,
        second_location: Location,
        message: &'static str,
    },
}

/// A setting with a new value. The values are written as in a file; an unset one is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingChange {
    pub(crate) key: &'static str,
    pub(crate) old: String,
    pub(crate) new: String,
}

/// The text of one setting, not parsed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    key: String,
    text: String,
    location: Location,
}

/// The settings from all sources, with all problems and warnings.
#[derive(Debug)]
pub(crate) struct Examined {
    /// The settings; one with a problem has its default.
    pub(crate) settings: Settings,
    locations: Locations,
    /// Values without an effect, which may be meant for other programs.
    pub(crate) warnings: Vec<String>,
    /// All problems, in the order of the sources. With any of them the server does not start.
    pub(crate) problems: Vec<SettingsError>,
}

impl Examined {
    /// Reads the file that a flag or variable names, the variables and the flags, over the defaults.
    pub(crate) fn of(flags: &Flags, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut problems = Vec::new();
        let variables = Variables::of(variables, &mut problems);
        let path = flags.config().or_else(|| variables.config.clone());
        let file = path.as_deref().map_or_else(Vec::new, |path| read(path, &mut problems));
        Self::of_sources(file, variables, flags, problems)
    }

    /// Combines the values of a file, the variables and the flags.
    fn of_sources(
        mut given: Vec<Given>,
        mut variables: Variables,
        flags: &Flags,
        mut problems: Vec<SettingsError>,
    ) -> Self {
        given.append(&mut variables.given);
        given.extend(flags.given());
        if !given.iter().any(|given| given.key == variables::LISTEN) {
            given.extend(variables.listen(&mut problems));
        }
        let mut examined = Self::from_given(given, problems);
        examined.warnings.splice(0..0, variables.warning);
        examined
    }

    fn from_given(given: Vec<Given>, problems: Vec<SettingsError>) -> Self {
        let (settings, locations) = (Settings::default(), Locations::default());
        let mut examined = Self { settings, locations, warnings: Vec::new(), problems };
        for given in given {
            if let Err(problem) = examined.take(given) {
                examined.problems.push(problem);
            }
        }
        // Only if all values are valid: the default that replaces an invalid value may contradict a valid one.
        if examined.problems.is_empty() {
            examined.problems = contradictions::of(&examined.settings, &examined.locations);
            examined.warnings = contradictions::without_effect(&examined.settings);
        }
        examined
    }

    fn take(&mut self, Given { key: name, text, location }: Given) -> Result<(), SettingsError> {
        let Some(key) = SettingKey::named(&name) else {
            return Err(SettingsError::Unknown { location, nearest: SettingKey::nearest(&name), key: name });
        };
        if let Err(message) = (key.set)(&mut self.settings, &text) {
            return Err(SettingsError::Invalid { location, key: key.name, text: printable(&text), message });
        }
        self.locations.note(key.name, location);
        Ok(())
    }
}

impl Settings {
    /// Returns the settings that differ in `new`, in the order of the documentation.
    pub(crate) fn changes(&self, new: &Self) -> Vec<SettingChange> {
        let change =
            |key: &keys::SettingKey| SettingChange { key: key.name, old: (key.show)(self), new: (key.show)(new) };
        keys::KEYS.iter().map(change).filter(|change| change.old != change.new).collect()
    }
}

/// The most bytes of a configuration file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The most characters of an invalid text that an error repeats.
const REPEATED_MAX: usize = 200;

/// Returns the beginning of `text` as an error repeats it, without control characters and without what stands before an
/// `@` in a part of it: that may be a password.
fn printable(text: &str) -> String {
    let parts: Vec<_> = text.split(',').map(without_password).collect();
    let text = &parts.join(",");
    let mut shown: String =
        text.chars().take(REPEATED_MAX).map(|sign| if sign.is_control() { '\u{fffd}' } else { sign }).collect();
    if text.chars().nth(REPEATED_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// Returns an address without its user and password.
fn without_password(part: &str) -> String {
    match part.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.find("://").map_or("", |end| &before[..end + 3]);
            format!("{scheme}…@{host}")
        }
        None => part.to_owned(),
    }
}

fn read(path: &Path, problems: &mut Vec<SettingsError>) -> Vec<Given> {
    match read_to_string(path) {
        Ok(text) => file::parse(path, &text, problems),
        Err(error) => {
            problems.push(SettingsError::Unreadable { path: path.to_owned(), error });
            Vec::new()
        }
    }
}

/// Returns the text of a configuration file. Limits its size: another file that is named by mistake, such as a device,
/// may have no end.
fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > FILE_BYTES_MAX) {
        return Err(io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(text)
}

impl fmt::Display for Examined {
    /// Writes the settings in force as a configuration file, with the location of each value that is not a default.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::print_in_force(&self.settings, &self.locations))
    }
}

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;
