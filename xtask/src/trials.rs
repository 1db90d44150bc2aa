//! Starts a trial: a program of its own, which is built as this one is. Must not know what a trial does.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use clap::Args;

use crate::steps::{Failure, Steps, command};

/// What a trial is told; it knows itself what it can be told.
#[derive(Debug, Args)]
pub(crate) struct Trial {
    /// The trial's own options, which --help behind its name tells
    #[arg(value_name = "OPTIONS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

/// The trials that can be run by name.
const NAMES: [&str; 4] = ["bench", "chaos", "hostile", "soak"];

/// How cargo builds the trials and runs one of them. Not optimized where this program is not.
const BUILT: &str = if cfg!(debug_assertions) { "" } else { "--release" };

/// Runs the trial `name`, which says itself how it ends, and returns that.
pub(crate) fn run(name: &str, trial: &Trial) -> ExitCode {
    // Where this was called: a trial may be told the name of a file.
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

/// Asks a trial for its help, if these words of a command line ask for it as `help TRIAL`, and returns how that ended.
pub(crate) fn help(words: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let words: Vec<_> = words.into_iter().skip(1).collect();
    let [help, name] = &words[..] else { return None };
    let name = NAMES.into_iter().find(|known| help == "help" && name == known)?;
    Some(run(name, &Trial { arguments: vec!["--help".into()] }))
}

/// Runs the trial `name` as a step of another command.
pub(crate) fn step(name: &str, steps: &mut Steps) -> Result<(), Failure> {
    steps.run(&mut command("cargo", &format!("run --quiet --package trials {BUILT} -- {name}")))
}
