//! `cargo xtask autobahn`: runs the fuzzing client of the Autobahn test suite against the framing, and compares its
//! verdicts with the committed expectation. Must not know what a case tests.

mod echo;
mod python;
mod results;
mod suite;

use clap::Args;

use crate::steps::{Failure, Steps};
use echo::{Echo, PATHS};
use suite::{Suite, Testee};

/// All cases but those of compression (12 and 13), which the server does not offer.
const ALL: [&str; 9] = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"];

/// Cases 1 to 7, 9 and 10, each on a plain TCP socket and on any other stream. They take some minutes.
#[derive(Debug, Args)]
pub(crate) struct Autobahn {
    /// Only these cases, for example '6.*' or 2.10; may be repeated
    #[arg(long, default_values_t = ALL.map(String::from))]
    cases: Vec<String>,
}

/// Installs the suite, runs it, and compares its verdicts with the expected ones.
pub(crate) fn run(options: &Autobahn, steps: &mut Steps) -> Result<(), Failure> {
    let suite = Suite::install(steps)?;
    let echo = Echo::start(steps)?;
    let testees: Vec<_> = echo.paths().map(|(name, url)| Testee { name, url }).collect();
    let results = suite.run(&testees, &options.cases, steps)?;
    println!("\n{results}");
    let differences = results.differences(&PATHS, &options.cases)?;
    differences.iter().for_each(|difference| println!("{difference}"));
    if differences.is_empty() {
        steps.pass();
        return Ok(());
    }
    let names: Vec<_> = differences.iter().map(results::Difference::name).collect();
    Err(Failure::new(format!("{} cases are not as expected: {}", names.len(), names.join(", "))))
}
