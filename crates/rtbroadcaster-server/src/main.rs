//! `rtbroadcaster`: runs the chosen subcommand and returns its exit code.
//! Must not know what a subcommand does.

#[cfg(not(unix))]
compile_error!("the server needs a Unix system; the library needs one only with its feature `disk`");

mod address;
mod configuration;
mod console;
mod destination;
mod duration;
mod ending;
mod endpoint;
mod host_name;
mod log;
mod manual;
mod metrics;
mod nats_servers;
mod network;
mod notes;
mod output;
mod page;
mod patience;
mod plain;
mod process;
mod publish;
mod queue;
mod secret_file;
mod serve;
mod settings;
mod signals;
mod watch;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use rtbroadcaster_bench as bench;

use settings::{Examined, Flags};
#[cfg(not(target_env = "msvc"))]
use tikv_jemallocator::Jemalloc;

const EXAMPLES: &str = "\
Every option is also a key of the configuration file (owner_grace) and a variable (RTB_OWNER_GRACE); options win over
variables, variables over the file. Sizes are bytes, durations are written 250ms, 10s or 5m. Brackets show the values that
are allowed; none lifts a limit. If listen is set nowhere, the server listens on the port in the variable PORT.

Examples:
  rtbroadcaster                              Serve http://127.0.0.1:8080/
  rtbroadcaster --listen 0.0.0.0:9000        Serve other machines too
  rtbroadcaster --listen 127.0.0.1:0         Serve on a free port; stdout names it
  rtbroadcaster --listen localhost:8080 --listen 10.0.0.5:8080   Serve on both
  rtbroadcaster --admin-listen 127.0.0.1:9464  Serve metrics for Prometheus there, at /metrics
  rtbroadcaster --log debug --log-format json
  rtbroadcaster config > rtbroadcaster.toml  Write a file with all defaults
  rtbroadcaster --config rtbroadcaster.toml
  rtbroadcaster check --config rtbroadcaster.toml   List its problems
  rtbroadcaster publish ws://127.0.0.1:8080 --state 'slide=[1]'   Create a room there; see `publish --help`
  rtbroadcaster watch http://127.0.0.1:8080/?uuid=ROOM            Watch a room; see `watch --help`

HTTP on the same port: /healthz and /readyz answer 200. During a shutdown /readyz and new WebSocket handshakes get 503.
On SIGTERM or SIGINT the server ends all rooms and closes all connections within 3 seconds; a second signal ends the
process at once.
On SIGHUP the server reads the configuration again: log, allow_origin and public_url change, all else needs a restart.";

const CHECK: &str = "\
Takes the options of `serve` and reads the same variables. Each problem is a line on stderr that names the file and line,
the variable or the option.

Exit code:
  0  the configuration is valid; stdout says ok
  2  the configuration is not valid

Examples:
  rtbroadcaster check --config rtbroadcaster.toml
  rtbroadcaster check --config new.toml && systemctl restart rtbroadcaster";

const CONFIG: &str = "\
Examples:
  rtbroadcaster config > rtbroadcaster.toml                     Write a file with all defaults
  rtbroadcaster config --effective --config rtbroadcaster.toml  Print the settings in force, each with its source";

const COMPLETIONS: &str = "\
Examples:
  rtbroadcaster completions bash > ~/.local/share/bash-completion/completions/rtbroadcaster
  rtbroadcaster completions zsh > \"${fpath[1]}/_rtbroadcaster\"
  rtbroadcaster completions fish > ~/.config/fish/completions/rtbroadcaster.fish";

/// jemalloc: after thousands of requests at once it returns the memory, and a join costs less than with the system's
/// allocator.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Rooms over WebSocket: one speaks, everyone is in step.
#[derive(Debug, Parser)]
#[command(
    name = "rtbroadcaster",
    version,
    about = "Rooms over WebSocket: one speaks, everyone is in step",
    long_about = "Rooms over WebSocket: one speaks, everyone is in step.\n\n\
        Without a command it runs `rtbroadcaster serve`.",
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true
)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<CliCommand>,
    #[command(flatten)]
    serve: Flags,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Serve rooms over WebSocket until SIGTERM or SIGINT
    #[command(after_help = EXAMPLES)]
    Serve(Flags),
    /// Watch a room: print its messages, as lines of JSON in a pipe or as text on a terminal
    #[command(after_help = format!("{}\n\n{}", watch::EXAMPLES, ending::table()))]
    Watch(watch::WatchArgs),
    /// Publish messages to the viewers of a room, as the owner of a new or an existing room
    #[command(after_help = format!("{}\n\n{}", publish::EXAMPLES, ending::table()))]
    Publish(Box<publish::PublishArgs>),
    /// Measure how many viewers a server holds, and what a delivery costs it
    #[command(after_help = bench::EXAMPLES)]
    Bench(Box<bench::Options>),
    /// Check the configuration of `serve` and list all problems, without serving
    #[command(after_help = CHECK)]
    Check(Flags),
    /// Print a configuration file with all defaults and what they mean, or with the settings in force
    #[command(after_help = CONFIG)]
    Config(configuration::ConfigArgs),
    /// Print the completion script for a shell
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of this program or of one of its commands
    #[command(
        after_help = "Examples:\n  rtbroadcaster man | man -l -\n  rtbroadcaster man watch > rtbroadcaster-watch.1"
    )]
    Man {
        /// The command; without one, the program
        command: Option<String>,
    },
}

fn main() -> ExitCode {
    let CommandLine { command, serve } = CommandLine::parse();
    match command.unwrap_or(CliCommand::Serve(serve)) {
        CliCommand::Serve(flags) => match configuration::settings(&flags) {
            Ok((settings, warnings)) => {
                serve::run(&settings, &warnings, move || Examined::of(&flags, std::env::vars_os()))
            }
            Err(code) => code,
        },
        CliCommand::Check(flags) => configuration::check(&flags),
        CliCommand::Config(options) => configuration::config(&options),
        CliCommand::Watch(options) => watch::run(&options),
        CliCommand::Publish(options) => publish::run(&options),
        CliCommand::Bench(options) => bench::run(&options),
        CliCommand::Completions { shell } => manual::completions(CommandLine::command(), shell),
        CliCommand::Man { command } => manual::page(CommandLine::command(), command.as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn options_stand_before_no_command_or_behind_one() {
        for good in [&["rtbroadcaster", "--path", "/a"][..], &["rtbroadcaster", "serve", "--path", "/a"]] {
            assert!(CommandLine::try_parse_from(good).is_ok(), "{good:?}");
        }
        for bad in [&["rtbroadcaster", "--path", "/a", "serve"][..], &["rtbroadcaster", "walk"]] {
            assert!(CommandLine::try_parse_from(bad).is_err(), "{bad:?}");
        }
    }
}
