//! The locations of values: file and line, variable, or flag.
//! Must not know the values.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use super::printable;

/// The location of a value, as an error names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    Default,
    File { path: PathBuf, line: usize },
    Variable(String),
    Flag(String),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Default => write!(f, "default"),
            Location::File { path, line } => write!(f, "{}:{line}", printable(&path.to_string_lossy())),
            Location::Variable(name) => write!(f, "variable {name}"),
            Location::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// The locations of all values that are not defaults.
#[derive(Debug, Default)]
pub(super) struct Locations(HashMap<&'static str, Location>);

impl Locations {
    pub(super) fn note(&mut self, key: &'static str, location: Location) {
        self.0.insert(key, location);
    }

    pub(super) fn of(&self, key: &str) -> Location {
        self.0.get(key).cloned().unwrap_or(Location::Default)
    }
}
