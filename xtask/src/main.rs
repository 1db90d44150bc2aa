//! The project's own commands: picks one, runs it, says how it ended. Must not know what a command does.

mod apt;
mod autobahn;
mod bench;
mod browsers;
mod chaos;
mod check;
mod fuzz;
mod hostile;
mod load;
mod node;
mod soak;
mod steps;
mod synced;
mod test;
mod valgrind;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use steps::{Failure, Steps};

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
    /// Everything that can be tested: Rust, the conversations replayed by Node, the SDK, and the page in a browser
    Test,
    /// Viewers under load: each gets every message once and in order; memory, CPU and latency are told
    Soak(soak::Soak),
    /// Version 2 under cuts, lags, takeovers, joins, kills and a drain: nothing lost, repeated, stale or untrue
    Chaos(chaos::Chaos),
    /// Attacks beside good viewers: nothing lost, no crash, memory within its formula and given back
    Hostile(hostile::Hostile),
    /// The framing, judged by the Autobahn test suite, on a plain socket and on any other stream
    Autobahn(autobahn::Autobahn),
    /// What a delivery, a join and an idle viewer cost, beside the floor and others; or how many instructions parts take
    Bench(bench::Bench),
    /// What must hold for any bytes, tried by a fuzzer: handshakes, frames, messages, courses of one member and of a room
    Fuzz(fuzz::Fuzz),
    /// An owner of a room as a process of its own, which chaos starts
    #[command(hide = true)]
    ChaosOwner,
    /// Viewers with a relay before them as a process of its own, which chaos starts
    #[command(hide = true)]
    ChaosHerd,
}

fn main() -> ExitCode {
    let command = CommandLine::parse().command;
    let mut steps = Steps::begin();
    let (name, outcome) = match &command {
        Command::Check => ("check", check::run(&mut steps)),
        Command::Test => ("test", test::run(&mut steps)),
        Command::Soak(options) => ("soak", soak::run(options, &mut steps)),
        Command::Autobahn(options) => ("autobahn", autobahn::run(options, &mut steps)),
        Command::Bench(options) => ("bench", bench::run(options, &mut steps)),
        Command::Hostile(options) => ("hostile", hostile::run(options, &mut steps)),
        Command::Fuzz(options) => ("fuzz", fuzz::run(options, &mut steps)),
        Command::Chaos(options) => ("chaos", chaos::run(options, &mut steps)),
        // Nobody reads what it prints but the program that has started it.
        Command::ChaosOwner => return part(chaos::be_an_owner()),
        Command::ChaosHerd => return part(chaos::be_a_herd()),
    };
    let (passed, seconds) = (steps.passed(), steps.elapsed().as_secs_f64());
    match outcome {
        Ok(()) => {
            println!("xtask {name}: ok, {passed} steps passed in {seconds:.1} s");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("xtask {name}: FAILED after {passed} passed steps and {seconds:.1} s: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// How a process ends that is a part of another one.
fn part(outcome: Result<(), Failure>) -> ExitCode {
    outcome.map_or_else(
        |failure| {
            eprintln!("xtask: {failure}");
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
