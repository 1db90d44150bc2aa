//! The findings of the restores, and the verdict. Must not know how they were measured.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::former::Former;
use super::way::RestoreWay;
use super::{Plan, RestoreFindings};
use crate::report::Judged;
use crate::steps::Failure;

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) plan: Plan,
    pub(super) all: RestoreFindings,
    /// The ways that were not tried, and why.
    pub(super) not_run: BTreeMap<RestoreWay, String>,
    pub(super) former: Vec<(&'static str, Former)>,
    pub(super) time: Duration,
}

impl Judged for Findings {
    /// Fails if anything was wrong, or if no viewer at all was resumed after a way.
    fn verdict(&self) -> Result<(), Failure> {
        if self.all.faults.all() > 0 {
            return Err(Failure::new(format!("{} faults", self.all.faults.all())));
        }
        match self.all.rows.iter().find(|(way, row)| !way.is_mixture() && row.resumed() == 0) {
            Some((way, _)) => Err(Failure::new(format!("{way}: no viewer was resumed"))),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "restores: seed {}, acknowledged when written and when on the disk, servers that are stopped and killed",
            self.plan.seed
        )?;
        for way in RestoreWay::ALL {
            match (self.all.rows.get(&way), self.not_run.get(&way)) {
                (Some(row), _) => writeln!(f, "  {way:22} {row}")?,
                (None, Some(why)) => writeln!(f, "  {way:22} not run: {why}")?,
                (None, None) => {}
            }
        }
        for (name, former) in &self.former {
            writeln!(f, "  {name:22} {former}")?;
        }
        writeln!(f, "  backups    {} of a running server did not open and were made again", self.all.made_again)?;
        writeln!(f, "  time       {:.1} s in all", self.time.as_secs_f64())?;
        write!(f, "{}", self.all.faults)
    }
}
