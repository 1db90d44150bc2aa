//! How the text of a setting becomes its value, and how a value is written in a file.
//! Must not know which settings there are.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use rtbroadcaster::{Ack, Origin};

use crate::endpoint::{Endpoint, EndpointError};
use crate::log::{Filter, Format};
use crate::network::{Network, NetworkError};

/// What a value looks like in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Number,
    /// A number, or the text `none`.
    NumberOrNone,
    Text,
    /// `true` or `false`; a flag alone is true.
    Switch,
    /// An array of texts; a flag that may be repeated; a variable with commas.
    List,
}

/// The type of a setting.
pub(super) trait Value: Sized {
    /// What stands for the value in `--help`.
    const PLACEHOLDER: &'static str;
    const SHAPE: Shape = Shape::Text;

    /// Reads the text of a flag or variable; the error says what is expected.
    fn parse(text: &str) -> Result<Self, String>;

    /// As it stands in a file; empty for an unset value.
    fn show(&self) -> String;
}

fn quoted(text: impl std::fmt::Display) -> String {
    format!("\"{text}\"")
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl Value for $type {
            const PLACEHOLDER: &'static str = "N";
            const SHAPE: Shape = Shape::Number;

            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| "expected a whole number, 0 lifts the limit".into())
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

number!(usize u32 u64);

/// A limit or a delay that the text `none` lifts. In a [`Config`](rtbroadcaster::Config) a lifted one is zero, which nobody can
/// mean: it would allow nothing.
pub(super) struct Limit<T>(T);

/// A value that stands for a lifted limit.
pub(super) trait Lifted: Value + Default + PartialEq + Copy {
    const SHAPE: Shape;
}

impl Lifted for Duration {
    const SHAPE: Shape = Shape::Text;
}

impl Lifted for u64 {
    const SHAPE: Shape = Shape::NumberOrNone;
}

impl<T: Lifted> From<T> for Limit<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl From<Limit<Duration>> for Duration {
    fn from(Limit(value): Limit<Duration>) -> Self {
        value
    }
}

impl From<Limit<u64>> for u64 {
    fn from(Limit(value): Limit<u64>) -> Self {
        value
    }
}

impl<T: Lifted> Value for Limit<T> {
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;
    const SHAPE: Shape = <T as Lifted>::SHAPE;

    fn parse(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(T::default()));
        }
        let value = T::parse(text).map_err(|_| match <T as Lifted>::SHAPE {
            Shape::NumberOrNone => "expected a whole number, or none".to_owned(),
            _ => "expected a duration such as 250ms, 10s or 5m, or none".to_owned(),
        })?;
        if value == T::default() {
            Err("0 would allow nothing; write none to lift the limit".into())
        } else {
            Ok(Self(value))
        }
    }

    fn show(&self) -> String {
        if self.0 == T::default() { quoted("none") } else { self.0.show() }
    }
}

impl Value for String {
    const PLACEHOLDER: &'static str = "WORD";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("expected a word".into()) } else { Ok(text.into()) }
    }

    fn show(&self) -> String {
        serde_json::Value::from(self.as_str()).to_string()
    }
}

impl Value for bool {
    const PLACEHOLDER: &'static str = "true|false";
    const SHAPE: Shape = Shape::Switch;

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "expected true or false".into())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for Duration {
    const PLACEHOLDER: &'static str = "TIME";

    fn parse(text: &str) -> Result<Self, String> {
        if text == "0" {
            return Ok(Duration::ZERO);
        }
        humantime::parse_duration(text).map_err(|_| "expected a duration such as 250ms, 10s or 5m, or 0".into())
    }

    fn show(&self) -> String {
        quoted(humantime::format_duration(*self))
    }
}

impl Value for SocketAddr {
    const PLACEHOLDER: &'static str = "ADDR:PORT";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "expected an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080".into())
    }

    fn show(&self) -> String {
        quoted(self)
    }
}

impl Value for Endpoint {
    const PLACEHOLDER: &'static str = "PATH";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: EndpointError| error.to_string())
    }

    fn show(&self) -> String {
        quoted(self)
    }
}

impl Value for Filter {
    const PLACEHOLDER: &'static str = "FILTER";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn show(&self) -> String {
        quoted(self)
    }
}

impl Value for Format {
    const PLACEHOLDER: &'static str = "FORMAT";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected text or json".into()),
        }
    }

    fn show(&self) -> String {
        quoted(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

impl Value for Origin {
    const PLACEHOLDER: &'static str = "https://HOST";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: rtbroadcaster::InvalidOrigin| error.to_string())
    }

    fn show(&self) -> String {
        quoted(self)
    }
}

impl Value for PathBuf {
    const PLACEHOLDER: &'static str = "DIR";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("expected the path of a directory".into()) } else { Ok(text.into()) }
    }

    fn show(&self) -> String {
        // A path may hold a backslash or a quote, which TOML escapes as JSON does.
        serde_json::Value::from(self.to_string_lossy()).to_string()
    }
}

impl Value for Ack {
    const PLACEHOLDER: &'static str = "LEVEL";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "written" => Ok(Self::Written),
            "disk" => Ok(Self::Disk),
            _ => Err("expected written or disk".into()),
        }
    }

    fn show(&self) -> String {
        quoted(self.word())
    }
}

impl Value for Network {
    const PLACEHOLDER: &'static str = "ADDR[/BITS]";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: NetworkError| error.to_string())
    }

    fn show(&self) -> String {
        quoted(self)
    }
}

/// The name of a host without a port, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostName(String);

impl HostName {
    /// Whether `host` of a request, with or without a port, names it.
    pub(crate) fn names(&self, host: &str) -> bool {
        self.0.eq_ignore_ascii_case(host)
    }
}

impl std::fmt::Display for HostName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value for HostName {
    const PLACEHOLDER: &'static str = "HOST";

    fn parse(text: &str) -> Result<Self, String> {
        let is_address = text.parse::<IpAddr>().is_ok();
        let is_name =
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        if is_address || is_name {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err("expected a host name without scheme and port, such as show.example.org".into())
        }
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}

impl<T: Value> Value for Option<T> {
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;
    const SHAPE: Shape = T::SHAPE;

    fn parse(text: &str) -> Result<Self, String> {
        T::parse(text).map(Some)
    }

    fn show(&self) -> String {
        self.as_ref().map(T::show).unwrap_or_default()
    }
}

impl<T: Value> Value for Vec<T> {
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;
    const SHAPE: Shape = Shape::List;

    fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(T::parse).collect()
    }

    fn show(&self) -> String {
        format!("[{}]", self.iter().map(T::show).collect::<Vec<_>>().join(", "))
    }
}
