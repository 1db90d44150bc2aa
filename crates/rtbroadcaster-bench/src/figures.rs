//! The raw figures of a run: what the server and the generator used, and the result of each thread. Must not know how
//! they are measured or reported.

use std::time::Duration;

use serde::Serialize;

use crate::process::Time;
use crate::publisher::Said;
use crate::viewers::Heard;

/// The server's CPU time for joins, and its memory in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) cpu: Option<Time>,
    pub(crate) rss_before: Option<u64>,
    pub(crate) rss_joined: Option<u64>,
    /// The maximum while messages were sent.
    pub(crate) rss_max: Option<u64>,
    pub(crate) rss_end: Option<u64>,
}

/// All raw figures of a run.
pub(crate) struct Seen {
    pub(crate) cost: Cost,
    /// The usage at the beginning and at the end of the measurement, or of the join storm.
    pub(crate) measured: (Look, Look),
    pub(crate) messages: u64,
    pub(crate) expected: u64,
    pub(crate) heard: Vec<Heard>,
    pub(crate) said: Said,
}

/// The total usage of the server and the generator at one moment.
pub(crate) struct Look {
    /// The moment, by the clock of the run.
    pub(crate) at: u64,
    pub(crate) deliveries: u64,
    pub(crate) server: Option<Time>,
    pub(crate) threads: Vec<(String, Time)>,
}

/// The usage between two moments.
pub(crate) struct Between {
    pub(crate) seconds: f64,
    pub(crate) deliveries: u64,
    pub(crate) server: Option<Time>,
    pub(crate) threads: Vec<ThreadShare>,
}

/// How busy a thread of the generator was during the measurement.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ThreadShare {
    pub(crate) name: String,
    /// The share of the time in which it ran.
    pub(crate) cpu: f64,
    /// The share of the time in which it could have run but had no core.
    pub(crate) waited: f64,
}

impl Look {
    /// Returns the usage from this moment to a later one.
    pub(crate) fn until(&self, later: &Self) -> Between {
        let nanos = later.at - self.at;
        let of = |time: u64| share(time as f64 / nanos as f64);
        let threads = self.threads.iter().filter_map(|(name, before)| {
            let (_, after) = later.threads.iter().find(|(found, _)| found == name)?;
            let used = after.since(*before);
            Some(ThreadShare { name: name.clone(), cpu: of(used.ran), waited: of(used.waited) })
        });
        Between {
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
