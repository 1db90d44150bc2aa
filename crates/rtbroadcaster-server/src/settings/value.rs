//! Parses the text of a setting, and writes its value for a file: numbers, times and lists.
//! Must not know which settings there are.

mod texts;

use std::time::Duration;

use rtbroadcaster::Limit;

use super::range::{Lifted, Range};
use crate::duration;

/// The shape of a value in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Number,
    Text,
    /// `true` or `false`; a flag alone is true.
    Switch,
    /// An array of texts, or one text; a flag that may be repeated; a variable with commas.
    List,
}

/// A type that a setting can have.
pub(super) trait SettingValue: Sized {
    /// The placeholder for the value in `--help`.
    const PLACEHOLDER: &'static str;
    const SHAPE: Shape = Shape::Text;

    /// Parses the text of a flag or variable. The error says what is expected.
    fn parse(text: &str, range: Range) -> Result<Self, String>;

    /// Returns the value as it is written in a file; empty if it is unset.
    fn show(&self, range: Range) -> String;
}

/// Returns the text as a TOML string.
pub(super) fn quoted(text: impl std::fmt::Display) -> String {
    // TOML has the escapes of JSON, and needs one for one more control character.
    serde_json::Value::from(text.to_string()).to_string().replace('\u{7f}', "\\u007F")
}

/// The advice for a zero that may be meant to lift a limit.
const LIFTS: &str = "`none` lifts the limit";

macro_rules! number {
    ($($type:ty)*) => {$(
        impl SettingValue for $type {
            const PLACEHOLDER: &'static str = "N";
            const SHAPE: Shape = Shape::Number;

            fn parse(text: &str, range: Range) -> Result<Self, String> {
                let value = text.parse::<u64>().ok().filter(|value| range.has_number(*value));
                let value = value.and_then(|value| Self::try_from(value).ok());
                match value {
                    Some(value) => Ok(value),
                    None if text == "0" && range.lifted() == Lifted::ByNone => Err(format!("0 would allow nothing; {LIFTS}")),
                    None => Err(format!("expected a whole number, {range}")),
                }
            }

            fn show(&self, _: Range) -> String {
                self.to_string()
            }
        }
    )*};
}

number!(usize u32 u64);

impl SettingValue for Duration {
    const PLACEHOLDER: &'static str = "TIME";

    fn parse(text: &str, range: Range) -> Result<Self, String> {
        match duration::parse(text) {
            Some(value) if range.has_time(value) => Ok(value),
            Some(Duration::ZERO) if range.lifted() == Lifted::ByNone => {
                Err(format!("0 would be no time at all; {LIFTS}"))
            }
            _ => Err(format!("expected a duration such as 250ms, 10s or 5m, {range}")),
        }
    }

    fn show(&self, _: Range) -> String {
        quoted(humantime::format_duration(*self))
    }
}

impl<T: SettingValue> SettingValue for Limit<T> {
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;
    const SHAPE: Shape = T::SHAPE;

    fn parse(text: &str, range: Range) -> Result<Self, String> {
        if text == "none" { Ok(Limit::None) } else { T::parse(text, range).map(Limit::Max) }
    }

    fn show(&self, range: Range) -> String {
        match self {
            Limit::Max(value) => value.show(range),
            Limit::None => quoted("none"),
        }
    }
}

impl<T: SettingValue> SettingValue for Option<T> {
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;
    const SHAPE: Shape = T::SHAPE;

    fn parse(text: &str, range: Range) -> Result<Self, String> {
        T::parse(text, range).map(Some)
    }

    fn show(&self, range: Range) -> String {
        self.as_ref().map(|value| value.show(range)).unwrap_or_default()
    }
}

impl<T: SettingValue> SettingValue for Vec<T> {
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;
    const SHAPE: Shape = Shape::List;

    fn parse(text: &str, range: Range) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let values: Vec<_> = parts.map(|part| T::parse(part, range)).collect::<Result<_, _>>()?;
        if values.is_empty() && range == Range::AtLeastOne {
            // The error text of one element.
            return T::parse("", range).map(|value| vec![value]);
        }
        Ok(values)
    }

    fn show(&self, range: Range) -> String {
        format!("[{}]", self.iter().map(|value| value.show(range)).collect::<Vec<_>>().join(", "))
    }
}
