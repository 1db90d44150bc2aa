//! Parses a configuration file: TOML with one key per setting.
//! Must not know what the keys mean, only which shape each has.

use std::path::Path;

use toml::de::{DeInteger, DeTable, DeValue};

use super::keys::SettingKey;
use super::range::Lifted;
use super::value::Shape;
use super::{Given, Location, Settings, SettingsError, printable};

/// Returns the values of a file with their lines. Adds a problem for each value that has the wrong shape.
pub(super) fn parse(path: &Path, text: &str, problems: &mut Vec<SettingsError>) -> Vec<Given> {
    let location = |offset: usize| {
        let line = text.get(..offset).unwrap_or(text).matches('\n').count() + 1;
        Location::File { path: path.to_owned(), line }
    };
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let location = location(error.span().map_or(0, |span| span.start));
            problems.push(SettingsError::NotToml { location, message: error.message().to_owned() });
            return Vec::new();
        }
    };
    let mut given = Vec::new();
    for (name, value) in table.get_ref() {
        let location = location(name.span().start);
        let key = name.get_ref().to_string();
        let Some(known) = SettingKey::named(&key) else {
            problems.push(SettingsError::Unknown { location, nearest: SettingKey::nearest(&key), key });
            continue;
        };
        match self::text(value.get_ref(), known) {
            Some(text) => given.push(Given { key, text, location }),
            None => {
                let text = printable(text.get(value.span()).unwrap_or_default());
                problems.push(SettingsError::Invalid { location, key: known.name, text, message: expected(known) });
            }
        }
    }
    given
}

/// Returns the error text for a value of `key` that has the wrong shape.
fn expected(key: &SettingKey) -> String {
    let default = (key.show)(&Settings::default());
    match key.shape {
        Shape::Number if key.range.lifted() == Lifted::ByNone => {
            "expected a number without quotes, or \"none\"".to_owned()
        }
        Shape::Number => "expected a number without quotes".to_owned(),
        Shape::Text if default.is_empty() => "expected a text in quotes".to_owned(),
        Shape::Text => format!("expected a text in quotes, such as {default}"),
        Shape::Switch => "expected true or false without quotes".to_owned(),
        Shape::List => "expected an array of texts, [\"…\", \"…\"]".to_owned(),
    }
}

/// Returns the value as the text of a flag, if it has the right shape.
fn text(value: &DeValue<'_>, key: &SettingKey) -> Option<String> {
    match (key.shape, value) {
        (Shape::Number, DeValue::Integer(number)) => Some(decimal(number)),
        (Shape::Number, DeValue::String(text)) if text == "none" && key.range.lifted() == Lifted::ByNone => {
            Some(text.to_string())
        }
        (Shape::Switch, DeValue::Boolean(on)) => Some(on.to_string()),
        (Shape::Text | Shape::List, DeValue::String(text)) => Some(text.to_string()),
        // The parser of the value has an error text of its own for 0.
        (Shape::Text, DeValue::Integer(number)) if decimal(number) == "0" => Some("0".into()),
        (Shape::List, DeValue::Array(parts)) => {
            let text =
                |part: &DeValue<'_>| if let DeValue::String(text) = part { Some(text.to_string()) } else { None };
            let parts: Option<Vec<_>> = parts.iter().map(|part| text(part.get_ref())).collect();
            parts.map(|parts| parts.join(","))
        }
        _ => None,
    }
}

/// Returns the number in decimal; TOML also has hexadecimal, octal and binary numbers. A number that is out of range
/// stays as it is, so that the parser of the value refuses it.
fn decimal(number: &DeInteger<'_>) -> String {
    u64::from_str_radix(number.as_str(), number.radix())
        .map_or_else(|_| number.to_string(), |number| number.to_string())
}
