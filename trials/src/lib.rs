//! Trials of a built server and of its clients: picks one, runs it, prints how it ended. Must not know what a trial
//! does.

mod bench;
mod chaos;
mod hostile;
#[cfg(test)]
mod independence;
mod load;
mod model;
mod random;
mod report;
mod scenario;
mod soak;
mod synced;
mod valgrind;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{apt, nats_server, node, steps};

use steps::{Failure, Steps};

/// The trials
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Viewers under load: each gets every message once and in order; prints memory, CPU and latency
    Soak(soak::Soak),
    /// Version 2 under cuts, lags, takeovers, joins, kills and a drain: nothing lost, repeated, stale or untrue
    Chaos(chaos::Chaos),
    /// Attacks beside good viewers: nothing lost, no crash, memory within its formula and given back
    Hostile(hostile::Hostile),
    /// What a delivery, a join and an idle viewer cost, beside the floor and others; or how many instructions parts take
    Bench(bench::Bench),
    /// What a start has synced when it announces itself, for `cargo xtask test`
    #[command(hide = true)]
    Synced,
    /// An owner of a room as a process of its own, which chaos starts
    #[command(hide = true)]
    ChaosOwner,
    /// Viewers with a relay before them as a process of its own, which chaos starts
    #[command(hide = true)]
    ChaosHerd,
}

/// Runs the trial that the command line names, and returns the exit code.
pub fn run() -> ExitCode {
    let command = CommandLine::parse().command;
    let mut steps = Steps::begin();
    let (name, outcome) = match &command {
        Command::Soak(options) => ("soak", soak::run(options, &mut steps)),
        Command::Bench(options) => ("bench", bench::run(options, &mut steps)),
        Command::Hostile(options) => ("hostile", hostile::run(options, &mut steps)),
        Command::Chaos(options) => ("chaos", chaos::run(options, &mut steps)),
        Command::Synced => ("synced", synced::run(&mut steps)),
        // Only the program that has started it reads what it prints.
        Command::ChaosOwner => return part(chaos::be_an_owner()),
        Command::ChaosHerd => return part(chaos::be_a_herd()),
    };
    steps.end(name, outcome)
}

/// Returns the exit code of a process that is a part of another one.
fn part(outcome: Result<(), Failure>) -> ExitCode {
    outcome.map_or_else(
        |failure| {
            eprintln!("trials: {failure}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_one() {
        CommandLine::command().debug_assert();
    }
}
