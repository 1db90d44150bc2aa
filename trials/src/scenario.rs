//! The common shape of trials: flags of their own, runs that follow from them, and a report of each. Must not know the
//! trials.

use clap::Args;

use crate::report::Report;
use crate::steps::{Failure, Steps};

/// One run of a trial, with the parameters that are known beforehand.
pub(crate) trait Scenario: Sized {
    /// The flags of its own.
    type Options: Args;

    /// The arguments of all scenarios of its command, such as the seed.
    type Given: Copy;

    /// Returns the runs that are asked for.
    fn plans(options: &Self::Options, given: Self::Given) -> Vec<Self>;

    /// Makes the run. Fails if it cannot be completed; its findings, good or not, are its report.
    fn run(self, steps: &mut Steps) -> Result<Report, Failure>;
}

/// Makes every run of a scenario and prints its report, also after a failure. Passes each outcome to `ended`, and
/// returns the first failure.
pub(crate) fn run_all<S: Scenario>(
    options: &S::Options,
    given: S::Given,
    steps: &mut Steps,
    mut ended: impl FnMut(&Result<(), Failure>, &mut Steps),
) -> Result<(), Failure> {
    let mut all = Ok(());
    for plan in S::plans(options, given) {
        let outcome = plan.run(steps).and_then(Report::print);
        ended(&outcome, steps);
        all = all.and(outcome);
    }
    all
}
