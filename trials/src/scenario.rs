//! What every trial is: flags of its own, runs that follow from them, and a report of each. Must not know which there are.

use clap::Args;

use crate::report::Report;
use crate::steps::{Failure, Steps};

/// One run of a trial, as far as it is known beforehand.
pub(crate) trait Scenario: Sized {
    /// The flags of its own.
    type Options: Args;

    /// What is given to all scenarios of its command, such as the seed.
    type Given: Copy;

    /// Returns the runs that are asked for.
    fn plans(options: &Self::Options, given: Self::Given) -> Vec<Self>;

    /// Makes the run. Fails if it cannot be made to its end; what it has shown, good or not, is its report.
    fn run(self, steps: &mut Steps) -> Result<Report, Failure>;
}

/// Makes every run of a scenario and tells its report, whatever the first ones bring. Gives how each ended to `ended`, and
/// returns the first failure.
pub(crate) fn run_all<S: Scenario>(
    options: &S::Options,
    given: S::Given,
    steps: &mut Steps,
    mut ended: impl FnMut(&Result<(), Failure>, &mut Steps),
) -> Result<(), Failure> {
    let mut all = Ok(());
    for plan in S::plans(options, given) {
        let outcome = plan.run(steps).and_then(Report::tell);
        ended(&outcome, steps);
        all = all.and(outcome);
    }
    all
}
