//! The report of a run, and whether the run was good. Must not know how the figures were measured.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::delivery_tracker::DeliveryCounts;
use crate::figures::{Cost, Measurements, ThreadShare, share};
use crate::latency::{self, Percentiles};
use crate::plan::{Pacing, Protocol, RunPlan, Workload};

/// The share of the time above which a busy thread of the generator counts as the bottleneck.
const BUSY: f64 = 0.8;

/// The figures of a run. `--json` prints these names; an unknown figure is null.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    pub(crate) protocol: Protocol,
    pub(crate) kind: Workload,
    pub(crate) viewers: u32,
    pub(crate) rooms: u32,
    pub(crate) size: u32,
    /// Messages in flight per room, in a closed loop.
    pub(crate) window: Option<u32>,
    /// Messages a second per room, in an open loop.
    pub(crate) rate: Option<f64>,
    /// The actual length of the measurement.
    pub(crate) seconds: f64,
    pub(crate) stalled: u32,
    pub(crate) messages: u64,
    /// Messages that were due, but that the server did not read in time.
    pub(crate) unsaid: u64,
    pub(crate) expected: u64,
    #[serde(flatten)]
    pub(crate) counts: DeliveryCounts,
    /// Viewers that the server closed, by code.
    pub(crate) closes: BTreeMap<u16, u64>,
    pub(crate) deliveries_per_second: Option<f64>,
    pub(crate) latency_us: Option<Percentiles>,
    /// The ages of state values and of events, in a mixed run.
    pub(crate) state_age_us: Option<Percentiles>,
    pub(crate) event_age_us: Option<Percentiles>,
    /// The time from one read of a viewer that returned messages to the next, in a mixed run.
    pub(crate) pass_us: Option<Percentiles>,
    pub(crate) joins: u32,
    pub(crate) joins_per_second: Option<f64>,
    pub(crate) join_us: Option<Percentiles>,
    pub(crate) server_cpu_ns_per_delivery: Option<f64>,
    pub(crate) server_cpu_us_per_join: Option<f64>,
    /// The server's share of one core: 2 is two cores.
    pub(crate) server_cpu_share: Option<f64>,
    /// In the same unit, the time in which its threads could have run but had no core.
    pub(crate) server_waited_share: Option<f64>,
    pub(crate) server_rss_bytes: Option<Rss>,
    pub(crate) bytes_per_viewer: Option<f64>,
    /// The share of the busiest thread.
    pub(crate) generator_cpu_share: Option<f64>,
    pub(crate) generator_threads: Vec<ThreadShare>,
    /// Whether the generator was the bottleneck, so that latency and throughput say nothing about the server.
    pub(crate) void: bool,
}

/// The server's resident memory.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Rss {
    /// With the rooms, without viewers.
    pub(crate) before: u64,
    pub(crate) joined: u64,
    /// While messages were sent.
    pub(crate) max: u64,
    pub(crate) end: u64,
}

impl Report {
    /// Returns the report of a run's raw figures.
    pub(crate) fn new(plan: &RunPlan, measurements: &Measurements) -> Self {
        let mut counts = DeliveryCounts::default();
        let mut ages = measurements.publishers.overdue.clone();
        let mut joins = latency::histogram();
        let mut closes = BTreeMap::new();
        for result in &measurements.viewers {
            counts += result.counts;
            ages.add(&result.ages);
            joins.add(&result.joins).expect("all histograms have the same bounds");
            for (&code, count) in &result.closes {
                *closes.entry(code).or_default() += count;
            }
        }
        let join_times = measurements.viewers.iter().filter_map(|result| result.join_time.clone());
        let join_time = join_times.reduce(|one, other| one.start.min(other.start)..one.end.max(other.end));
        let join_seconds = join_time.map(|time| Duration::from_nanos(time.end - time.start).as_secs_f64());
        let between = measurements.measured.0.until(&measurements.measured.1);
        let spoke = plan.joins.is_none();
        let (window, rate) = match plan.pace {
            _ if !spoke => (None, None),
            Pacing::Window(window) => (Some(window), None),
            Pacing::Rate(rate) => (None, Some(rate)),
        };
        let per = |amount: f64, count: u64| (count > 0).then(|| round(amount / count as f64));
        let nanos = between.server.map(|time| time.ran as f64);
        let of = |nanos: u64| share(nanos as f64 / 1e9 / between.seconds);
        let Cost { cpu, rss_before, rss_joined, rss_max, rss_end } = measurements.cost;
        let rss = rss_before.zip(rss_joined).zip(rss_max.zip(rss_end));
        let rss = rss.map(|((before, joined), (max, end))| Rss { before, joined, max, end });
        let grown = rss.map(|rss| rss.joined.saturating_sub(rss.before) as f64);
        let generator_cpu_share = between.threads.iter().map(|thread| thread.cpu).reduce(f64::max);
        let void = is_void(&between.threads);
        let is_mixed = plan.kind == Workload::Mixed;
        Self {
            protocol: plan.protocol,
            kind: plan.kind,
            viewers: plan.viewers,
            rooms: plan.rooms,
            size: plan.size,
            window,
            rate,
            seconds: between.seconds,
            stalled: plan.viewers - plan.receivers().iter().sum::<u32>(),
            messages: measurements.messages,
            unsaid: measurements.publishers.unsaid,
            expected: measurements.expected,
            counts,
            closes,
            deliveries_per_second: spoke.then(|| round(between.deliveries as f64 / between.seconds)),
            latency_us: Percentiles::of(&ages.all()),
            state_age_us: is_mixed.then(|| Percentiles::of(&ages.states)).flatten(),
            event_age_us: is_mixed.then(|| Percentiles::of(&ages.others)).flatten(),
            pass_us: is_mixed.then(|| Percentiles::of(&ages.passes)).flatten(),
            joins: plan.joins.unwrap_or(0),
            joins_per_second: join_seconds.map(|seconds| round(joins.len() as f64 / seconds)),
            join_us: Percentiles::of(&joins),
            server_cpu_ns_per_delivery: nanos.and_then(|nanos| per(nanos, between.deliveries)),
            server_cpu_us_per_join: cpu.and_then(|cpu| per(cpu.ran as f64 / 1_000.0, joins.len())),
            server_cpu_share: between.server.map(|time| of(time.ran)),
            server_waited_share: between.server.map(|time| of(time.waited)),
            server_rss_bytes: rss,
            bytes_per_viewer: grown.and_then(|grown| per(grown, plan.clients().into())),
            generator_cpu_share,
            generator_threads: between.threads,
            void,
        }
    }

    /// Returns whether each viewer got each message once and in order, and stayed.
    pub(crate) fn is_good(&self) -> bool {
        is_good(&self.counts, &self.closes)
    }
}

/// Returns whether there was no fault.
fn is_good(counts: &DeliveryCounts, closes: &BTreeMap<u16, u64>) -> bool {
    counts.lost + counts.repeated + counts.out_of_order + counts.unknown == 0 && closes.is_empty()
}

/// Returns whether one of these threads was the bottleneck, that is, hardly ever idle. Time on a core and time without
/// one count alike, since messages wait for the thread in both.
fn is_void(threads: &[ThreadShare]) -> bool {
    threads.iter().any(|thread| thread.cpu + thread.waited > BUSY)
}

/// Returns a figure, rounded to one decimal: no figure is more exact.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generator_that_was_busy_voids_the_run() {
        let thread = |cpu, waited| ThreadShare { name: String::new(), cpu, waited };
        assert!(!is_void(&[]));
        assert!(!is_void(&[thread(0.8, 0.0), thread(0.3, 0.4)]));
        assert!(is_void(&[thread(0.1, 0.0), thread(0.81, 0.0)]));
        assert!(is_void(&[thread(0.2, 0.7)]), "it had no core when it needed one");
    }

    #[test]
    fn one_fault_of_any_kind_is_no_good_run() {
        let counts = DeliveryCounts { received: 5, superseded: 2, ..DeliveryCounts::default() };
        assert!(is_good(&counts, &BTreeMap::new()));
        for fault in [
            DeliveryCounts { lost: 1, ..counts },
            DeliveryCounts { repeated: 1, ..counts },
            DeliveryCounts { out_of_order: 1, ..counts },
            DeliveryCounts { unknown: 1, ..counts },
        ] {
            assert!(!is_good(&fault, &BTreeMap::new()), "{fault:?}");
        }
        assert!(!is_good(&counts, &BTreeMap::from([(4008, 1)])));
    }
}
