//! The findings, a line for each fault. Must not know how they were measured.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::ClusterFault;
use super::speaker::Tally;
use super::watcher::Gaps;
use crate::model::fault::Faults;
use crate::report::Judged;
use crate::steps::Failure;

/// What owners and viewers saw of one fault.
#[derive(Debug)]
pub(super) struct FaultFindings {
    fault: ClusterFault,
    acked: u64,
    /// The longest time without an acknowledgement.
    wait: Duration,
    gaps: Gaps,
}

impl FaultFindings {
    pub(super) fn new(fault: ClusterFault, acked: u64, wait: Duration, gaps: Gaps) -> Self {
        Self { fault, acked, wait, gaps }
    }
}

/// The findings of the run.
#[derive(Debug)]
pub(super) struct Findings {
    faults_played: Vec<FaultFindings>,
    faults: Faults,
    tally: Tally,
    metrics: BTreeMap<String, f64>,
}

impl Findings {
    pub(super) fn new(
        faults_played: Vec<FaultFindings>,
        faults: Faults,
        tally: Tally,
        metrics: BTreeMap<String, f64>,
    ) -> Self {
        Self { faults_played, faults, tally, metrics }
    }
}

impl Judged for Findings {
    /// Fails if anything was lost, repeated, out of order, stale or untrue.
    fn verdict(&self) -> Result<(), Failure> {
        match self.faults.all() {
            0 => Ok(()),
            faults => Err(Failure::new(format!("{faults} faults"))),
        }
    }
}

/// Returns the time below which so many of a hundred are.
fn percentile(sorted: &[Duration], hundredths: usize) -> f64 {
    let place = (sorted.len() * hundredths / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).map_or(0.0, Duration::as_secs_f64)
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { acked, takeovers, stale } = self.tally;
        writeln!(
            f,
            "cluster: {acked} acknowledged, {takeovers} takeovers, {stale} messages of replaced owners refused"
        )?;
        writeln!(
            f,
            "  fault            acked   longest wait   longest silence of viewers (s)      outside (s)               resets"
        )?;
        writeln!(
            f,
            "                           for one (s)    p50      p99      max              viewers  p99      max"
        )?;
        for FaultFindings { fault, acked, wait, gaps: Gaps { silences, absences, resets } } in &self.faults_played {
            writeln!(
                f,
                "  {:<15} {acked:>7} {:>10.2} {:>11.2} {:>8.2} {:>8.2} {:>14} {:>10.2} {:>8.2} {resets:>8}",
                format!("{fault:?}"),
                wait.as_secs_f64(),
                percentile(silences, 50),
                percentile(silences, 99),
                percentile(silences, 100),
                absences.len(),
                percentile(absences, 99),
                percentile(absences, 100),
            )?;
        }
        for (name, value) in &self.metrics {
            writeln!(f, "  {name} {value}")?;
        }
        write!(f, "{}", self.faults)
    }
}
