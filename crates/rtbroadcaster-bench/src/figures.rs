//! The raw figures of a run: what the server and the generator used, and the result of each thread. Must not know how
//! they are measured or reported.

use std::time::Duration;

use serde::Serialize;

use crate::process::CpuTime;
use crate::publisher::PublisherResult;
use crate::viewers::ViewersResult;

/// The server's CPU time for joins, and its memory in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) cpu: Option<CpuTime>,
    pub(crate) rss_before: Option<u64>,
    pub(crate) rss_joined: Option<u64>,
    /// The maximum while messages were sent.
    pub(crate) rss_max: Option<u64>,
    pub(crate) rss_end: Option<u64>,
}

/// All raw figures of a run.
pub(crate) struct Measurements {
    pub(crate) cost: Cost,
    /// The usage at the beginning and at the end of the measurement, or of the join storm.
    pub(crate) measured: (UsageSample, UsageSample),
    pub(crate) messages: u64,
    pub(crate) expected: u64,
    pub(crate) viewers: Vec<ViewersResult>,
    pub(crate) publishers: PublisherResult,
}

/// The total usage of the server and the generator at one moment.
pub(crate) struct UsageSample {
    /// The moment, by the clock of the run.
    pub(crate) at: u64,
    pub(crate) deliveries: u64,
    pub(crate) server: Option<CpuTime>,
    pub(crate) threads: Vec<(String, CpuTime)>,
}

/// The usage between two moments.
pub(crate) struct UsageDelta {
    pub(crate) seconds: f64,
    pub(crate) deliveries: u64,
    pub(crate) server: Option<CpuTime>,
    pub(crate) threads: Vec<ThreadShare>,
}

/// The load of a thread of the generator during the measurement.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ThreadShare {
    pub(crate) name: String,
    /// The share of the time in which it ran.
    pub(crate) cpu: f64,
    /// The share of the time in which it could have run but had no core.
    pub(crate) waited: f64,
}

impl UsageSample {
    /// Returns the usage from this moment to a later one.
    pub(crate) fn until(&self, later: &Self) -> UsageDelta {
        let nanos = later.at - self.at;
        let of = |time: u64| share(time as f64 / nanos as f64);
        let threads = self.threads.iter().filter_map(|(name, before)| {
            let (_, after) = later.threads.iter().find(|(found, _)| found == name)?;
            let used = after.since(*before);
            Some(ThreadShare { name: name.clone(), cpu: of(used.ran), waited: of(used.waited) })
        });
        UsageDelta {
            seconds: Duration::from_nanos(nanos).as_secs_f64(),
            deliveries: later.deliveries - self.deliveries,
            server: self.server.and_then(|before| Some(later.server?.since(before))),
            threads: threads.collect(),
        }
    }
}

/// Returns a share, rounded to three decimals.
pub(crate) fn share(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
