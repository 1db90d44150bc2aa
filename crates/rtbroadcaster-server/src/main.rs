//! `rtbroadcaster`: picks the subcommand and turns its end into an exit code.
//! Must not know what a subcommand does; each is a file beside `serve`.

mod log;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  rtbroadcaster                              Serve ws://127.0.0.1:8080/broadcasting
  rtbroadcaster --listen 0.0.0.0:9000        Serve other machines too
  rtbroadcaster --listen 127.0.0.1:0         Serve a free port; the first line on stdout tells which
  rtbroadcaster --log debug --log-format json

HTTP on the same port: /healthz answers 200 while the process lives, /readyz answers 503 once it shuts down.
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
    serve: serve::Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve rooms over WebSocket until SIGTERM or SIGINT
    #[command(after_help = EXAMPLES)]
    Serve(serve::Serve),
}

fn main() -> ExitCode {
    let CommandLine { command, serve } = CommandLine::parse();
    match command.unwrap_or(Command::Serve(serve)) {
        Command::Serve(options) => serve::run(options),
    }
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
