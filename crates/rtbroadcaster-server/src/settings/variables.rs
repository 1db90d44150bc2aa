//! The variables of the environment that are the server's.
//! Must not know what the keys mean.

use std::ffi::OsString;
use std::path::PathBuf;

use super::keys::Key;
use super::{Given, Place, SettingsError, printable};

/// The prefix of all settings.
const PREFIX: &str = "RTB_";
/// The file with the configuration.
const CONFIG: &str = "RTB_CONFIG";
/// The port that a platform gives to whatever it starts.
const PORT: &str = "PORT";
/// The setting that it is a part of.
pub(super) const LISTEN: &str = "listen";
/// How Kubernetes says where the service `rtb` is.
const KUBERNETES: [&str; 3] = ["RTB_SERVICE_", "RTB_PORT_", "RTB_PORT"];

/// What the environment says.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// The values of settings.
    pub(super) given: Vec<Given>,
    /// The file that `RTB_CONFIG` names.
    pub(super) config: Option<PathBuf>,
    /// The port by the word of a platform, not looked at yet.
    port: Option<String>,
    /// The names that are no settings, in one line.
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
            // A name that is no text is not one of ours.
            let Ok(name) = name.into_string() else { continue };
            if name == CONFIG {
                of.config = Some(PathBuf::from(text));
                continue;
            }
            let key = name.strip_prefix(PREFIX).map(str::to_ascii_lowercase);
            let known = key.as_deref().and_then(Key::named).filter(|key| variable(key.name) == name);
            match (known, key) {
                (Some(known), Some(key)) => {
                    let place = Place::Variable(name);
                    match text.into_string() {
                        Ok(text) => of.given.push(Given { key, text, place }),
                        Err(text) => problems.push(SettingsError::Invalid {
                            place,
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

    /// Returns where to listen by the word of a platform, for whoever has no other: on all interfaces, since platforms
    /// forward from outside.
    pub(super) fn listen(&mut self, problems: &mut Vec<SettingsError>) -> Option<Given> {
        let (port, place) = (self.port.take()?, Place::Variable(PORT.into()));
        let number = Some(&port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
        if let Some(number) = number.and_then(|port| port.parse::<u16>().ok()) {
            return Some(Given { key: LISTEN.into(), text: format!("0.0.0.0:{number}"), place });
        }
        let message = "expected a port, 0 to 65535; where listen is given, PORT is not read".into();
        problems.push(SettingsError::Invalid { place, key: LISTEN, text: printable(&port), message });
        None
    }
}

/// The variable of a setting.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase())
}

/// What is said of variables that are no settings: a mistake, or meant for somebody else.
fn warning(unknown: &[(String, String)]) -> String {
    let mut text = String::from("variables that are no settings are ignored: ");
    for (number, (name, key)) in unknown.iter().enumerate() {
        let is_foreign = KUBERNETES.iter().any(|begin| name.starts_with(begin));
        let nearest = Key::nearest(key).filter(|_| !is_foreign);
        text.push_str(if number > 0 { ", " } else { "" });
        text.push_str(name);
        text.push_str(&nearest.map(|key| format!(" (did you mean {}?)", variable(key))).unwrap_or_default());
    }
    if unknown.iter().any(|(name, _)| name == "RTB_PORT") {
        text.push_str("; the address to listen on is RTB_LISTEN");
    }
    text
}
