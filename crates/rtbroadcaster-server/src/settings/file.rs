//! A configuration file: TOML with one key per setting.
//! Must not know what the keys mean, only which shape each has.

use std::path::Path;

use toml::de::{DeInteger, DeTable, DeValue};

use super::keys::Key;
use super::value::Shape;
use super::{Given, Place, Settings, SettingsError};

/// The values of a file with the lines on which they stand.
pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Given>, SettingsError> {
    let place = |offset: usize| {
        let line = text.get(..offset).unwrap_or(text).matches('\n').count() + 1;
        Place::File { path: path.to_owned(), line }
    };
    let table = DeTable::parse(text).map_err(|error| SettingsError::NotToml {
        place: place(error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let mut given = Vec::new();
    for (name, value) in table.get_ref() {
        let place = place(name.span().start);
        let key = name.get_ref().to_string();
        // An unknown key is told by whoever knows them all.
        let shape = Key::named(&key).map_or(Shape::Text, |key| key.shape);
        match (self::text(value.get_ref(), shape), Key::named(&key)) {
            (Some(text), _) => given.push(Given { key, text, place }),
            (None, None) => given.push(Given { key, text: String::new(), place }),
            (None, Some(known)) => {
                let default = (known.show)(&Settings::default());
                let message = match shape {
                    Shape::Number => "expected a number without quotes".to_owned(),
                    Shape::NumberOrNone => "expected a number without quotes, or \"none\"".to_owned(),
                    Shape::Text if default.is_empty() => "expected a text in quotes".to_owned(),
                    Shape::Text => format!("expected a text in quotes, such as {default}"),
                    Shape::Switch => "expected true or false without quotes".to_owned(),
                    Shape::List => "expected an array of texts, [\"…\", \"…\"]".to_owned(),
                };
                let text = text_of_span(text, value.span());
                return Err(SettingsError::Invalid { place, key: known.name, text, message });
            }
        }
    }
    Ok(given)
}

/// The value as a flag would give it, if it has the right shape.
fn text(value: &DeValue<'_>, shape: Shape) -> Option<String> {
    match (shape, value) {
        (Shape::Number | Shape::NumberOrNone, DeValue::Integer(number)) => Some(decimal(number)),
        (Shape::NumberOrNone, DeValue::String(text)) if text == "none" => Some(text.to_string()),
        (Shape::Switch, DeValue::Boolean(on)) => Some(on.to_string()),
        (Shape::Text, DeValue::String(text)) => Some(text.to_string()),
        // A limit that is lifted may be written as a bare 0 wherever it stands.
        (Shape::Text, DeValue::Integer(number)) if decimal(number) == "0" => Some("0".into()),
        (Shape::List, DeValue::Array(parts)) => {
            let parts: Option<Vec<_>> = parts.iter().map(|part| self::text(part.get_ref(), Shape::Text)).collect();
            parts.map(|parts| parts.join(","))
        }
        _ => None,
    }
}

/// The number as a flag has it; TOML also knows hexadecimal, octal and binary ones. One that is out of range stays as it
/// is, to be told so by whoever reads it.
fn decimal(number: &DeInteger<'_>) -> String {
    u64::from_str_radix(number.as_str(), number.radix())
        .map_or_else(|_| number.to_string(), |number| number.to_string())
}

fn text_of_span(text: &str, span: std::ops::Range<usize>) -> String {
    text.get(span).unwrap_or_default().to_owned()
}
