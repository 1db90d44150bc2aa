//! The locations of values: file and line, variable, or flag.
//! Must not know the values.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use super::printable;

/// The location of a value, as an error names it.
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
            Place::File { path, line } => write!(f, "{}:{line}", printable(&path.to_string_lossy())),
            Place::Variable(name) => write!(f, "variable {name}"),
            Place::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// The locations of all values that are not defaults.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<&'static str, Place>);

impl Places {
    pub(super) fn note(&mut self, key: &'static str, place: Place) {
        self.0.insert(key, place);
    }

    pub(super) fn of(&self, key: &str) -> Place {
        self.0.get(key).cloned().unwrap_or(Place::Default)
    }
}
