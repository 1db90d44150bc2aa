//! The flags of `serve`, generated from the table of keys.
//! Must not know what the values mean.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

use super::keys::KEYS;
use super::value::Shape;
use super::{Given, Location, Settings};

const CONFIG: &str = "config";

/// The flags that were given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    config: Option<PathBuf>,
    given: Vec<Given>,
}

impl Flags {
    /// Returns the file that `--config` names.
    pub(super) fn config(&self) -> Option<PathBuf> {
        self.config.clone()
    }

    /// Returns whether no flag was given.
    pub(crate) fn is_empty(&self) -> bool {
        self.config.is_none() && self.given.is_empty()
    }

    /// Returns all flags but `--config`.
    pub(super) fn given(&self) -> Vec<Given> {
        self.given.clone()
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("Configuration file; `rtbroadcaster config` prints one with all defaults [variable: RTB_CONFIG]");
        let defaults = Settings::default();
        let flags = KEYS.iter().map(|key| {
            let default = (key.show)(&defaults);
            let default = default.trim_matches(['"', '[', ']']);
            let help = if default.is_empty() { key.help() } else { format!("{} [default: {default}]", key.help()) };
            let action = if key.shape == Shape::List { ArgAction::Append } else { ArgAction::Set };
            let flag = Arg::new(key.name)
                .long(key.flag())
                .value_name(key.placeholder)
                .help(help)
                .help_heading(key.group.title())
                // A negative number gets the error of its range, not that of an unknown flag.
                .allow_negative_numbers(true)
                .action(action);
            if key.shape == Shape::Switch { flag.num_args(0..=1).default_missing_value("true") } else { flag }
        });
        command.arg(config).args(flags)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = KEYS.iter().filter_map(|key| {
            let values: Vec<&str> = matches.get_many::<String>(key.name)?.map(String::as_str).collect();
            Some(Given { key: key.name.into(), text: values.join(","), location: Location::Flag(key.flag()) })
        });
        Ok(Self { config: matches.get_one::<PathBuf>(CONFIG).cloned(), given: given.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
