//! The project's own commands: picks one, runs it, says how it ended. Must not know what a command does.

mod apt;
mod check;
mod chromium;
mod node;
mod steps;
mod test;

use std::process::ExitCode;

use steps::{Failure, Steps};

/// A command by its name, a file each.
type Run = fn(&mut Steps) -> Result<(), Failure>;

/// Every command: what is typed, what it does, where it is.
const COMMANDS: &[(&str, &str, Run)] = &[
    ("check", "formatting, lints and documentation, warnings denied", check::run),
    ("test", "everything that can be tested: Rust, the conversations replayed by Node, the SDK, the page", test::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let chosen = match arguments.as_slice() {
        [name] => COMMANDS.iter().find(|(command, ..)| command == name),
        _ => None,
    };
    let Some(&(name, _, run)) = chosen else {
        eprintln!("Usage: cargo xtask COMMAND");
        for (command, does, _) in COMMANDS {
            eprintln!("  {command:8}{does}");
        }
        return ExitCode::from(2);
    };
    let mut steps = Steps::begin();
    let outcome = run(&mut steps);
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
