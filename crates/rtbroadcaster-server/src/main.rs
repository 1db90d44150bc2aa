//! The command `rtbroadcaster`: what it can do, and how it ends.
//! Must not know how any of it is done.

mod serve;
mod settings;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use settings::{Flags, Settings};

const EXAMPLES: &str = "\
Every option is also a key of the configuration file (owner_grace) and a variable (RTB_OWNER_GRACE).
Sizes are bytes, durations are written 250ms, 10s or 5m, and 0 lifts a limit.

Examples:
  rtbroadcaster                                  serve on http://127.0.0.1:8080/
  rtbroadcaster serve --listen 0.0.0.0:9000      serve the whole network on port 9000
  rtbroadcaster serve --owner-grace 2m --log debug
  rtbroadcaster config > rtbroadcaster.toml      write down all defaults
  rtbroadcaster serve --config rtbroadcaster.toml";

/// One speaks, everyone is in step: rooms over WebSocket, where one owner broadcasts small messages to all viewers.
#[derive(Debug, Parser)]
#[command(name = "rtbroadcaster", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (also without any subcommand)
    #[command(after_help = EXAMPLES)]
    Serve(Flags),
    /// Print a configuration file with all defaults and what they mean
    Config,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(flags) => serve(&flags),
        Command::Config => match io::stdout().write_all(settings::print_defaults().as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
    }
}

fn serve(flags: &Flags) -> ExitCode {
    // A variable that is not Unicode cannot be one of ours.
    let variables =
        std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
    let settings = match Settings::load(flags, variables) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("rtbroadcaster: {error}");
            // As clap ends for wrong usage.
            return ExitCode::from(2);
        }
    };
    match serve::run(&settings) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("rtbroadcaster: {error}");
            ExitCode::FAILURE
        }
    }
}
