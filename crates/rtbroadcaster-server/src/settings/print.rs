//! The settings as a configuration file: all defaults, or those in force.
//! Must not know what the settings mean.

use std::fmt::Write;

use super::keys::{KEYS, Key};
use super::{Place, Places, Settings};

/// Why writing the texts below cannot fail.
const NEVER: &str = "writing to a string does not fail";

/// The defaults as a configuration file with its comments.
pub(crate) fn print_defaults() -> String {
    let defaults = Settings::default();
    let text = "# The configuration of `rtbroadcaster serve`, with all defaults. Each key is also a flag (--owner-grace) and a\n\
         # variable (RTB_OWNER_GRACE); flags win over variables, variables over this file. Sizes are bytes, durations\n\
         # are written 250ms, 10s or 5m. In brackets is what a value may be; \"none\" lifts a limit.\n";
    by_group(text, |text, key| {
        let (help, name, value) = (key.help(), key.name, (key.show)(&defaults));
        // An unset value has no TOML.
        let mark = if value.is_empty() { "# " } else { "" };
        let value = if value.is_empty() { format!("\"{}\"", key.placeholder) } else { value };
        writeln!(text, "# {help}\n{mark}{name} = {value}").expect(NEVER);
    })
}

/// The settings in force, with the place of each that is not a default.
pub(super) fn print_in_force(settings: &Settings, places: &Places) -> String {
    by_group("# The settings in force. Behind each that is not a default is its place.\n", |text, key| {
        let (name, value) = (key.name, (key.show)(settings));
        let line = if value.is_empty() { format!("# {name} is not set") } else { format!("{name} = {value}") };
        match places.of(name) {
            Place::Default => writeln!(text, "{line}").expect(NEVER),
            place => writeln!(text, "{line}  # {place}").expect(NEVER),
        }
    })
}

/// The text `head`, and what `print` makes of each setting under the title of its group.
fn by_group(head: &str, mut print: impl FnMut(&mut String, &Key)) -> String {
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
