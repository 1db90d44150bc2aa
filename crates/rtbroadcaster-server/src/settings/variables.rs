//! Reads the settings from environment variables.
//! Must not know what the keys mean.

use std::ffi::OsString;
use std::path::PathBuf;

use super::keys::SettingKey;
use super::{Given, Location, SettingsError, printable};

/// The prefix of the variables of all settings.
const PREFIX: &str = "RTB_";
/// The variable that names the configuration file.
const CONFIG: &str = "RTB_CONFIG";
/// The variable in which a hosting platform passes the port.
const PORT: &str = "PORT";
/// The setting that this port sets.
pub(super) const LISTEN: &str = "listen";
/// The prefixes of the variables that Kubernetes sets for a service named `rtb`.
const KUBERNETES: [&str; 3] = ["RTB_SERVICE_", "RTB_PORT_", "RTB_PORT"];

/// The settings from the environment.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// The values of settings.
    pub(super) given: Vec<Given>,
    /// The file that `RTB_CONFIG` names.
    pub(super) config: Option<PathBuf>,
    /// The port from the platform, not parsed yet.
    port: Option<String>,
    /// The warning about names that are not settings, in one line.
    pub(super) warning: Option<String>,
}

impl Variables {
    pub(super) fn of(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        problems: &mut Vec<SettingsError>,
    ) -> Self {
        let mut of = Self::default();
        let mut unknown = Vec::new();
        for (name, text) in variables {
            // A name that is not UTF-8 is not a setting.
            let Ok(name) = name.into_string() else { continue };
            if name == CONFIG {
                of.config = Some(PathBuf::from(text));
                continue;
            }
            let key = name.strip_prefix(PREFIX).map(str::to_ascii_lowercase);
            let known = key.as_deref().and_then(SettingKey::named).filter(|key| variable(key.name) == name);
            match (known, key) {
                (Some(known), Some(key)) => {
                    let location = Location::Variable(name);
                    match text.into_string() {
                        Ok(text) => of.given.push(Given { key, text, location }),
                        Err(text) => problems.push(SettingsError::Invalid {
                            location,
                            key: known.name,
                            text: printable(&text.to_string_lossy()),
                            message: "expected a text in UTF-8".into(),
                        }),
                    }
                }
                (None, Some(key)) => unknown.push((name, key)),
                _ if name == PORT => of.port = Some(text.to_string_lossy().into_owned()),
                _ => {}
            }
        }
        unknown.sort();
        of.warning = (!unknown.is_empty()).then(|| warning(&unknown));
        of
    }

    /// Returns the address to listen on from the port of the platform: all interfaces, since platforms forward from
    /// outside. Only for a server whose `listen` is set nowhere else.
    pub(super) fn listen(&mut self, problems: &mut Vec<SettingsError>) -> Option<Given> {
        let (port, location) = (self.port.take()?, Location::Variable(PORT.into()));
        let number = Some(&port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
        if let Some(number) = number.and_then(|port| port.parse::<u16>().ok()) {
            return Some(Given { key: LISTEN.into(), text: format!("0.0.0.0:{number}"), location });
        }
        let message = "expected a port, 0 to 65535; where listen is given, PORT is not read".into();
        problems.push(SettingsError::Invalid { location, key: LISTEN, text: printable(&port), message });
        None
    }
}

/// Returns the name of a setting's variable.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase())
}

/// Returns the warning about variables that are not settings: a mistake, or meant for another program.
fn warning(unknown: &[(String, String)]) -> String {
    let mut text = String::from("variables that are no settings are ignored: ");
    for (number, (name, key)) in unknown.iter().enumerate() {
        let is_foreign = KUBERNETES.iter().any(|begin| name.starts_with(begin));
        let nearest = SettingKey::nearest(key).filter(|_| !is_foreign);
        text.push_str(if number > 0 { ", " } else { "" });
        text.push_str(name);
        text.push_str(&nearest.map(|key| format!(" (did you mean {}?)", variable(key))).unwrap_or_default());
    }
    if unknown.iter().any(|(name, _)| name == "RTB_PORT") {
        text.push_str("; the address to listen on is RTB_LISTEN");
    }
    text
}
