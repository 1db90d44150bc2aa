//! The command `rtbroadcaster`: what it can do, and how it ends.
//! Must not know how any of it is done.

mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  rtbroadcaster                                  serve on ws://127.0.0.1:8080/broadcasting
  rtbroadcaster serve --listen 0.0.0.0:9000      serve the whole network on port 9000
  rtbroadcaster serve --log debug --log-format json";

/// One speaks, everyone is in step: rooms over WebSocket, where one owner broadcasts small messages to all viewers.
#[derive(Debug, Parser)]
#[command(name = "rtbroadcaster", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (also without any subcommand)
    #[command(after_help = EXAMPLES)]
    Serve(serve::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let Command::Serve(options) = cli.command.unwrap_or(Command::Serve(cli.serve));
    match serve::run(&options) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("rtbroadcaster: {error}");
            ExitCode::FAILURE
        }
    }
}
