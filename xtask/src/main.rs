//! The project's own commands: picks one, runs it, prints how it ended. Must not know what a command does.

mod autobahn;
mod browsers;
mod check;
mod fuzz;
mod nats;
mod test;
mod trials;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{apt, node, steps};

use steps::Steps;
use trials::TrialArguments;

/// The project's own commands
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Formatting, lints and documentation, warnings denied
    Check,
    /// The library with all combinations of its features
    Features,
    /// Everything that can be tested: Rust, the conversations replayed by Node, the SDK, and the page in a browser
    Test,
    /// Viewers under load: each gets every message once and in order; prints memory, CPU and latency
    #[command(disable_help_flag = true)]
    Soak(TrialArguments),
    /// Version 2 under cuts, lags, takeovers, joins, kills and a drain: nothing lost, repeated, stale or untrue
    #[command(disable_help_flag = true)]
    Chaos(TrialArguments),
    /// Attacks beside good viewers: nothing lost, no crash, memory within its formula and given back
    #[command(disable_help_flag = true)]
    Hostile(TrialArguments),
    /// The framing, judged by the Autobahn test suite, on a plain socket and on any other stream
    Autobahn(autobahn::Autobahn),
    /// What a delivery, a join and an idle viewer cost, beside the floor and others; or how many instructions parts take
    #[command(disable_help_flag = true)]
    Bench(TrialArguments),
    /// Rooms over several nodes, whose log is in NATS: the tests that need a real server
    Nats(nats::Nats),
    /// What must hold for any bytes, tried by a fuzzer: handshakes, frames, messages, courses of one member and of a room
    Fuzz(fuzz::Fuzz),
}

fn main() -> ExitCode {
    if let Some(code) = trials::help(std::env::args_os()) {
        return code;
    }
    let command = CommandLine::parse().command;
    let mut steps = Steps::begin();
    let (name, outcome) = match &command {
        Command::Check => ("check", check::run(&mut steps)),
        Command::Features => ("features", check::powerset(&mut steps)),
        Command::Test => ("test", test::run(&mut steps)),
        Command::Soak(trial) => return trials::run("soak", trial),
        Command::Autobahn(options) => ("autobahn", autobahn::run(options, &mut steps)),
        Command::Bench(trial) => return trials::run("bench", trial),
        Command::Hostile(trial) => return trials::run("hostile", trial),
        Command::Fuzz(options) => ("fuzz", fuzz::run(options, &mut steps)),
        Command::Nats(options) => ("nats", nats::run(options, &mut steps)),
        Command::Chaos(trial) => return trials::run("chaos", trial),
    };
    steps.end(name, outcome)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_one() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn a_trial_gets_its_options_as_they_were_given() {
        for options in [&["--help"][..], &["--brief", "--only", "dark", "--seed=7"], &[]] {
            let words = ["cargo xtask", "chaos"].iter().chain(options);
            let Command::Chaos(trial) = CommandLine::try_parse_from(words).unwrap().command else { panic!() };
            assert_eq!(trial.arguments, *options);
        }
    }

    #[test]
    fn only_a_trial_is_asked_for_its_help() {
        for words in [&["xtask"][..], &["xtask", "help"], &["xtask", "help", "check"], &["xtask", "chaos", "help"]] {
            assert!(trials::help(words.iter().map(Into::into)).is_none(), "{words:?}");
        }
    }
}
