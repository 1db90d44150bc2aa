//! Prints the settings as a configuration file: all defaults, or the settings in force.
//! Must not know what the settings mean.

use std::fmt::Write;

use super::keys::{KEYS, SettingKey};
use super::{Location, Locations, Settings};

/// The reason why writing the texts below cannot fail.
const NEVER: &str = "writing to a string does not fail";

/// Returns all defaults as a configuration file with comments.
pub(crate) fn print_defaults() -> String {
    let defaults = Settings::default();
    let text = "# The configuration of `rtbroadcaster serve`, with all defaults. Each key is also a flag (--owner-grace) and a\n\
         # variable (RTB_OWNER_GRACE); flags win over variables, variables over this file. Sizes are bytes, durations\n\
         # are written 250ms, 10s or 5m. Brackets show the values that are allowed; \"none\" lifts a limit.\n";
    by_group(text, |text, key| {
        let (help, name, value) = (key.help(), key.name, (key.show)(&defaults));
        // An unset value has no TOML.
        let mark = if value.is_empty() { "# " } else { "" };
        let value = if value.is_empty() { format!("\"{}\"", key.placeholder) } else { value };
        writeln!(text, "# {help}\n{mark}{name} = {value}").expect(NEVER);
    })
}

/// Returns the settings in force, with the location of each value that is not a default.
pub(super) fn print_in_force(settings: &Settings, locations: &Locations) -> String {
    by_group(
        "# The settings in force. A comment names the location of each value that is not a default.\n",
        |text, key| {
            let (name, value) = (key.name, (key.show)(settings));
            let line = if value.is_empty() { format!("# {name} is not set") } else { format!("{name} = {value}") };
            match locations.of(name) {
                Location::Default => writeln!(text, "{line}").expect(NEVER),
                location => writeln!(text, "{line}  # {location}").expect(NEVER),
            }
        },
    )
}

/// Returns `head`, and the text that `print` adds for each setting, under the title of its group.
fn by_group(head: &str, mut print: impl FnMut(&mut String, &SettingKey)) -> String {
    let mut text = head.to_owned();
    let mut group = None;
    for key in KEYS {
        if group.replace(key.group) != Some(key.group) {
            write!(text, "\n## {}\n\n", key.group.title()).expect(NEVER);
        }
        print(&mut text, key);
    }
    text
}
