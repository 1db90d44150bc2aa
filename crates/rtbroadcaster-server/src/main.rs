//! `rtbroadcaster`: picks the subcommand and turns its end into an exit code.
//! Must not know what a subcommand does: `serve` is one module, the configuration is printed by another.

mod bench;
mod endpoint;
mod log;
mod metrics;
mod network;
mod page;
mod process;
mod serve;
mod settings;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use settings::{Flags, Settings};

const EXAMPLES: &str = "\
Every option is also a key of the configuration file (owner_grace) and a variable (RTB_OWNER_GRACE); options win over
variables, variables over the file. Sizes are bytes, durations are written 250ms, 10s or 5m, and 0 lifts a limit.

Examples:
  rtbroadcaster                              Serve http://127.0.0.1:8080/
  rtbroadcaster --listen 0.0.0.0:9000        Serve other machines too
  rtbroadcaster --listen 127.0.0.1:0         Serve a free port; stdout tells which
  rtbroadcaster --admin-listen 127.0.0.1:9464  Serve metrics for Prometheus there, at /metrics
  rtbroadcaster --log debug --log-format json
  rtbroadcaster config > rtbroadcaster.toml  Write down all defaults
  rtbroadcaster --config rtbroadcaster.toml

HTTP on the same port: /healthz and /readyz answer 200. Once it shuts down it takes no new connections, and /readyz
answers 503 on those that are open.
SIGTERM and SIGINT end all rooms politely within 3 seconds; a second one ends the process at once.";

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
    /// Measure how many viewers a server holds, and what a delivery costs it
    #[command(after_help = bench::EXAMPLES)]
    Bench(Box<bench::Options>),
    /// Print a configuration file with all defaults and what they mean
    Config,
}

fn main() -> ExitCode {
    let CommandLine { command, serve } = CommandLine::parse();
    match command.unwrap_or(Command::Serve(serve)) {
        Command::Serve(flags) => match Settings::load(&flags, variables()) {
            Ok(settings) => serve::run(&settings),
            Err(error) => {
                // Without a log line around it: this is for whoever typed the command.
                let _ = writeln!(std::io::stderr(), "rtbroadcaster: {error}");
                // As clap ends for a wrong command line.
                ExitCode::from(2)
            }
        },
        Command::Bench(options) => bench::run(&options),
        Command::Config => match std::io::stdout().write_all(settings::print_defaults().as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
    }
}

/// The environment, as far as it is text: no other variable can be one of ours.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

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
