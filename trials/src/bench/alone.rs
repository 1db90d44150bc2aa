//! The end of a measurement without cells: prints its targets, and writes everything to the file. Must not know what
//! was measured.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::claim::TargetClaim;
use super::journal::RunJournal;
use crate::report::{Judged, Report};
use crate::steps::Failure;

/// The summary of the runs.
#[derive(Debug, Serialize)]
pub(super) struct AloneSummary<T> {
    /// The observations of the server besides each run's figures.
    pub(super) seen: Vec<T>,
    pub(super) claims: Vec<TargetClaim>,
}

impl<T: Serialize> AloneSummary<T> {
    /// Returns the report, and writes everything to a file if one is named.
    pub(super) fn report(&self, journal: &RunJournal, json: Option<&Path>) -> Report {
        let written = json.map_or(Ok(()), |path| journal.write(self, path));
        Report::from(Targets { claims: &self.claims, failures: journal.failures() }).unless(written)
    }
}

/// The targets, and the number of runs without figures.
struct Targets<'a> {
    claims: &'a [TargetClaim],
    failures: usize,
}

impl fmt::Display for Targets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\ntargets, by the median (least to most):")?;
        self.claims.iter().try_for_each(|claim| writeln!(f, "{claim}"))
    }
}

impl Judged for Targets<'_> {
    /// Fails if a run failed. A missed target is only printed; on a busy machine it says little.
    fn verdict(&self) -> Result<(), Failure> {
        match self.failures {
            0 => Ok(()),
            failures => Err(Failure::new(format!("{failures} runs failed: see FAILED above"))),
        }
    }
}
