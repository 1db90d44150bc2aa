//! The findings of clients whose paths went dark, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::Duration;

use super::Plan;
use super::trial::{Role, TrialOutcome};
use crate::chaos::times::seconds;
use crate::report::Judged;
use crate::steps::Failure;

/// The most time until a client shows that it may not be in the room, besides the time of its heartbeats: a probe takes
/// 1.5 s, and the machine its time.
const PROBE: Duration = Duration::from_millis(3_500);

/// The time without an acknowledgement after which an owner probes, and the time until the next publish.
const UNACKED: Duration = Duration::from_secs(3);

/// The time between two `alive` of an owner whose room has viewers.
const OWNER_ALIVE: Duration = Duration::from_secs(5);

/// The most time from noticing to being back.
const RETURN_MAX: Duration = Duration::from_secs(5);

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) plan: Plan,
    pub(super) pasts: Vec<TrialOutcome>,
    pub(super) time: Duration,
}

impl TrialOutcome {
    /// Returns why a trial failed, if it did.
    fn fault(&self, noticed_max: Duration) -> Option<String> {
        let Self { noticed, back, over, ended, .. } = self;
        if let Some((at, why)) = over.as_ref().or(ended.as_ref()) {
            return Some(format!("over after {:.1} s ({why})", at.as_secs_f64()));
        }
        let (Some(noticed), Some(back)) = (noticed, back) else { return Some("not back".into()) };
        if *noticed > noticed_max {
            return Some(format!("noticed after {:.1} s", noticed.as_secs_f64()));
        }
        if *back - *noticed > RETURN_MAX {
            return Some(format!("back {:.1} s after it noticed", (*back - *noticed).as_secs_f64()));
        }
        if self.lost > 0 || self.repeated > 0 || self.unsettled > 0 || self.resets > 0 {
            return Some("messages were lost, repeated, or neither acknowledged nor refused".into());
        }
        None
    }
}

impl Findings {
    /// Returns how long a client of this role may take until it notices.
    fn noticed_max(&self, role: Role) -> Duration {
        let ping = Duration::from_secs(self.plan.options.dark_ping_seconds.into());
        PROBE
            + match role {
                Role::Owner => UNACKED,
                Role::SilentOwner => 2 * ping.min(OWNER_ALIVE),
                Role::Viewer => 2 * ping,
            }
    }
}

impl Judged for Findings {
    /// Fails if a room was lost to a dark path, if a client noticed too late, or if a message was lost or repeated.
    fn verdict(&self) -> Result<(), Failure> {
        let faults: Vec<_> =
            self.pasts.iter().filter_map(|past| past.fault(self.noticed_max(past.trial.role))).collect();
        match faults.first() {
            None => Ok(()),
            Some(first) => {
                Err(Failure::new(format!("{} of {} paths, the first: {first}", faults.len(), self.pasts.len())))
            }
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, options } = &self.plan;
        writeln!(
            f,
            "dark: seed {seed}, {} paths, pings each {} s, all else by default; times from when the path went dark",
            self.pasts.len(),
            options.dark_ping_seconds
        )?;
        let same = |one: &TrialOutcome, other: &TrialOutcome| {
            let key = |past: &TrialOutcome| (past.trial.role, past.trial.kind, past.trial.dark);
            key(one) == key(other)
        };
        for pasts in self.pasts.chunk_by(same) {
            let trial = pasts[0].trial;
            let times = |of: fn(&TrialOutcome) -> Option<Duration>| {
                let mut times: Vec<_> = pasts.iter().filter_map(of).collect();
                times.sort_unstable();
                if times.is_empty() {
                    return "never".to_owned();
                }
                format!("{} to {} ({} of {})", seconds(&times, 0), seconds(&times, 100), times.len(), pasts.len())
            };
            let sum = |of: fn(&TrialOutcome) -> u64| pasts.iter().map(of).sum::<u64>();
            writeln!(
                f,
                "  {:<12} {:<12} dark {:<13}: noticed {}, back {}; {} published, {} acknowledged, {} refused, {} neither, \
                 {} lost, {} repeated, {} resets",
                trial.role.name(),
                trial.kind.name(),
                trial.dark.name(),
                times(|past| past.noticed),
                times(|past| past.back),
                sum(|past| past.published),
                sum(|past| past.acked as u64),
                sum(|past| past.failed as u64),
                sum(|past| past.unsettled as u64),
                sum(|past| past.lost as u64),
                sum(|past| past.repeated),
                sum(|past| past.resets.into()),
            )?;
            let mut faults = pasts.iter().filter_map(|past| Some((past, past.fault(self.noticed_max(trial.role))?)));
            if let Some((past, fault)) = faults.next() {
                let after = past.trial.after.as_secs_f64();
                writeln!(f, "    {} not good, the first dark after {after:.1} s: {fault}", 1 + faults.count())?;
            }
        }
        let lived = self.pasts.iter().filter(|past| past.over.is_none()).count();
        let ended = self.pasts.iter().filter(|past| past.ended.is_some()).count();
        writeln!(f, "  rooms      {lived} of {} lived; {ended} clients gave up for good", self.pasts.len())?;
        write!(f, "  time       {:.1} s in all", self.time.as_secs_f64())
    }
}
