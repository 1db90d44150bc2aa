//! `cargo xtask nats`: runs the tests that need a NATS server. Must not know what is tested.

use std::path::Path;

use clap::Args;
use xtask::nats_server::{NEWEST, SERVERS, install};

use crate::steps::{Failure, Steps, command};

/// The variable that tells tests where the server is.
const PROGRAM: &str = "RTBROADCASTER_NATS_SERVER";

/// Each version of the server is installed once; the tests run on all of them
#[derive(Debug, Default, Args)]
pub(crate) struct Nats {
    /// Run the tests on this version only
    #[arg(long, value_name = "VERSION")]
    only: Option<String>,
}

/// Installs the servers, and runs the tests of the library that need one on each of them.
pub(crate) fn run(options: &Nats, steps: &mut Steps) -> Result<(), Failure> {
    let is_wanted = |version: &str| options.only.as_ref().is_none_or(|only| only == version);
    let wanted: Vec<_> = SERVERS.iter().filter(|(version, _)| is_wanted(version)).collect();
    if wanted.is_empty() {
        let known = SERVERS.map(|(version, _)| version).join(", ");
        return Err(Failure::new(format!("there is no such version; known are {known}")));
    }
    let mut installed = Vec::new();
    for &(version, hash) in wanted {
        installed.push(((version, hash), install(version, hash, steps)?));
    }
    let tests = |program: &Path, names: &str| {
        let mut tests = command("cargo", "test --package rtbroadcaster --all-features --lib -- --ignored");
        tests.arg(names).env(PROGRAM, program);
        tests
    };
    let each =
        |steps: &mut Steps| installed.iter().try_for_each(|(_, program)| steps.run(&mut tests(program, "nats_")));
    match installed.iter().find(|(server, _)| *server == NEWEST) {
        // Its servers are down most of the time.
        Some((_, program)) => steps.run_beside(&mut tests(program, "cluster_of_three"), each),
        None => each(steps),
    }
}
