//! `rtbroadcaster`: picks the subcommand and turns its end into an exit code.
//! Must not know what a subcommand does: `serve` is one module, the configuration is told by another.

#[cfg(not(unix))]
compile_error!("the server needs a Unix system; the library does not without its feature `disk`");

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
variables, variables over the file. Sizes are bytes, durations are written 250ms, 10s or 5m. In brackets is what a value may be;
none lifts a limit. Where --listen is given nowhere, the variable PORT is the port to listen on.

Examples:
  rtbroadcaster                              Serve http://127.0.0.1:8080/
  rtbroadcaster --listen 0.0.0.0:9000        Serve other machines too
  rtbroadcaster --listen 127.0.0.1:0         Serve a free port; stdout tells which
  rtbroadcaster --listen localhost:8080 --listen 10.0.0.5:8080   Serve on both
  rtbroadcaster --admin-listen 127.0.0.1:9464  Serve metrics for Prometheus there, at /metrics
  rtbroadcaster --log debug --log-format json
  rtbroadcaster config > rtbroadcaster.toml  Write down all defaults
  rtbroadcaster --config rtbroadcaster.toml
  rtbroadcaster check --config rtbroadcaster.toml   Say what is wrong with it
  rtbroadcaster publish ws://127.0.0.1:8080 --state 'slide=[1]'   Make a room there; `publish --help` says more
  rtbroadcaster watch http://127.0.0.1:8080/?uuid=ROOM            Watch one; `watch --help` says more

HTTP on the same port: /healthz and /readyz answer 200. Once it shuts down it takes no new connections, and /readyz
answers 503 on those that are open.
SIGTERM and SIGINT end all rooms politely within 3 seconds; a second one ends the process at once.
SIGHUP reads the configuration file again: log, allow_origin and public_url change, all else needs a restart.";

const CHECK: &str = "\
It takes the options of `serve` and reads the same variables. Each problem is a line on stderr with its place.

Exit code:
  0  the configuration can be used; stdout says ok
  2  it cannot

Examples:
  rtbroadcaster check --config rtbroadcaster.toml
  rtbroadcaster check --config new.toml && systemctl restart rtbroadcaster";

const CONFIG: &str = "\
Examples:
  rtbroadcaster config > rtbroadcaster.toml                     Write down all defaults
  rtbroadcaster config --effective --config rtbroadcaster.toml  What is in force, and which value is from where";

const COMPLETIONS: &str = "\
Examples:
  rtbroadcaster completions bash > ~/.local/share/bash-completion/completions/rtbroadcaster
  rtbroadcaster completions zsh > \"${fpath[1]}/_rtbroadcaster\"
  rtbroadcaster completions fish > ~/.config/fish/completions/rtbroadcaster.fish";

/// What thousands of requests took at once is given back, and a join costs less than with the system's.
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
        Without a command it serves, as `rtbroadcaster serve` does.",
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true
)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve rooms over WebSocket until SIGTERM or SIGINT
    #[command(after_help = EXAMPLES)]
    Serve(Flags),
    /// Watch a room: what it says, as lines of JSON in a pipe or readable on a terminal
    #[command(after_help = format!("{}\n\n{}", watch::EXAMPLES, ending::table()))]
    Watch(watch::Options),
    /// Own a room, or make one, and say messages to its viewers
    #[command(after_help = format!("{}\n\n{}", publish::EXAMPLES, ending::table()))]
    Publish(Box<publish::Options>),
    /// Measure how many viewers a server holds, and what a delivery costs it
    #[command(after_help = bench::EXAMPLES)]
    Bench(Box<bench::Options>),
    /// Say what is wrong with the configuration that `serve` would have, without serving
    #[command(after_help = CHECK)]
    Check(Flags),
    /// Print a configuration file with all defaults and what they mean, or with the settings in force
    #[command(after_help = CONFIG)]
    Config(configuration::Options),
    /// Print what a shell needs to complete this command line
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of this program or of one of its commands
    #[command(
        after_help = "Examples:\n  rtbroadcaster man | man -l -\n  rtbroadcaster man watch > rtbroadcaster-watch.1"
    )]
    Man {
        /// Which command
        command: Option<String>,
    },
}

fn main() -> ExitCode {
    let CommandLine { command, serve } = CommandLine::parse();
    match command.unwrap_or(Command::Serve(serve)) {
        Command::Serve(flags) => match configuration::settings(&flags) {
            Ok((settings, warnings)) => {
                serve::run(&settings, &warnings, move || Examined::of(&flags, std::env::vars_os()))
            }
            Err(code) => code,
        },
        Command::Check(flags) => configuration::check(&flags),
        Command::Config(options) => configuration::config(&options),
        Command::Watch(options) => watch::run(&options),
        Command::Publish(options) => publish::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Completions { shell } => manual::completions(CommandLine::command(), shell),
        Command::Man { command } => manual::page(CommandLine::command(), command.as_deref()),
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
