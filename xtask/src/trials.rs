//! Starts a trial: a separate program, built with this one's profile. Must not know what a trial does.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use clap::Args;

use crate::steps::{Failure, Steps, command};

/// The arguments of a trial, which parses them itself.
#[derive(Debug, Args)]
pub(crate) struct TrialArguments {
    /// The trial's own options, which --help behind its name lists
    #[arg(value_name = "OPTIONS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

/// The trials that can be run by name.
const NAMES: [&str; 4] = ["bench", "chaos", "hostile", "soak"];

/// The cargo options that build the trials; they are not optimized where this program is not.
const BUILT: &str = if cfg!(debug_assertions) { "" } else { "--release" };

/// Runs the trial `name`, which prints its own outcome, and returns its exit code.
pub(crate) fn run(name: &str, trial: &TrialArguments) -> ExitCode {
    // In the current folder: an argument may be a file name.
    let mut started = Command::new("cargo");
    started.args(["run", "--quiet", "--package", "trials"]).args(BUILT.split_whitespace()).args(["--", name]);
    match started.args(&trial.arguments).status() {
        Ok(status) => status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            eprintln!("xtask {name}: `cargo` could not start: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a trial's help if these words of a command line ask for it as `help TRIAL`, and returns its exit code.
pub(crate) fn help(words: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let words: Vec<_> = words.into_iter().skip(1).collect();
    let [help, name] = &words[..] else { return None };
    let name = NAMES.into_iter().find(|known| help == "help" && name == known)?;
    Some(run(name, &TrialArguments { arguments: vec!["--help".into()] }))
}

/// Runs the trial `name` as a step of another command.
pub(crate) fn step(name: &str, steps: &mut Steps) -> Result<(), Failure> {
    steps.run(&mut command("cargo", &format!("run --quiet --package trials {BUILT} -- {name}")))
}
