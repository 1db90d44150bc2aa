//! An owner that publishes ten times what the lanes carry; their capacity is measured first, with another server. Must
//! not know how a server is started.

use std::fmt::Write;

use serde_json::json;

use super::Group;
use super::cell::{Cell, PublishPace};
use super::claim::TargetClaim;
use super::contender::{Contender, OURS};
use super::figures::{Figures, Metric};
use super::run::Bed;
use super::summary::Valid;
use crate::steps::Failure;

/// The owner's rate, in times the lanes' capacity.
const TIMES: f64 = 10.0;

/// The most messages that a lane takes for one pass over the viewers (`PASS_FRAMES_MAX` of the library). A closed loop
/// with as many in flight shows what lanes carry.
pub(super) const PASS_MESSAGES: u32 = 64;

/// The time in which the lanes' capacity is measured.
const PROBE_SECONDS: u32 = 3;

/// The most by which the server's memory may grow over its memory with all viewers at rest. By the limits of
/// docs/configuration.md a room has 1 MiB on its way to the lanes, 1 MiB of history and 1 MiB of state. Each counts key
/// and parameters. With 512 bytes these are two thirds of a message's memory, which holds them once, in the frame of
/// the one protocol in use. A pass copies at most 256 KiB of frames into one piece. Backlogs are not in it: a viewer
/// that reads has none.
const MEMORY_BYTES: f64 = (1.5 * 3.0 + 0.25) * 1024.0 * 1024.0;

/// The greatest age of state values when a viewer has them, in passes: their 99th percentile against that of the
/// passes.
const PASSES: f64 = 1.0;

/// From this share of the due messages on the rate counts as reached.
const REACHED: f64 = 0.99;

/// The figures of the targets.
pub(super) const METRICS: [Metric; 3] = [Metric::StateAge, Metric::MemoryGrowth, Metric::Faults];

/// Measures a server whose owner publishes too much, and adds the rates.
pub(super) fn measure(bed: &Bed<'_>, contender: Contender, cell: &Cell) -> Result<Figures, Failure> {
    let probe = bed.figures(contender, cell, PROBE_SECONDS)?;
    let throughput = probe.number("/deliveries_per_second").filter(|rate| *rate > 0.0);
    let throughput = throughput.ok_or_else(|| Failure::new(format!("the lanes carry nothing: {probe}")))?;
    let capacity = throughput / f64::from(cell.viewers);
    let too_much = Cell { pace: PublishPace::Mixed(TIMES * capacity), ..cell.clone() };
    let mut figures = bed.figures(contender, &too_much, bed.plan.overload_seconds)?;
    let number = |path| figures.number(path).ok_or_else(|| Failure::new(format!("no {path}: {figures}")));
    let (said, unsaid) = (number("/messages")?, number("/unsaid")?);
    let added = json!({
        "capacity": capacity,
        "offered": TIMES * capacity,
        "taken": TIMES * capacity * said / (said + unsaid),
        "state_age_passes": number("/state_age_us/p99")? / number("/pass_us/p99")?,
        "rss_growth_bytes": number("/server_rss_bytes/max")? - number("/server_rss_bytes/joined")?,
        "faults": figures.faults(),
    });
    figures.add("overload", added);
    Ok(figures)
}

/// Returns a line about it, if the figures are of an overload.
pub(super) fn rate_line(figures: &Figures) -> Option<String> {
    let number = |path: &str| figures.number(path).unwrap_or(f64::NAN);
    let offered = figures.number("/overload/offered")?;
    let (taken, publisher) = (number("/overload/taken"), 100.0 * number("/generator_threads/0/cpu"));
    let millis = |path: &str| number(path) / 1_000.0;
    let ages = |name: &str| ["p50", "p99", "max"].map(|at| millis(&format!("/{name}_age_us/{at}")));
    let ([s50, s99, s_max], [e50, e99, e_max]) = (ages("state"), ages("event"));
    let [p50, p99, p_max] = ["p50", "p99", "max"].map(|at| millis(&format!("/pass_us/{at}")));
    let [joined, max, end] = ["joined", "max", "end"].map(|at| number(&format!("/server_rss_bytes/{at}")) / 1024.0);
    let mut text = format!(
        "the lanes carry {:.0} messages/s; {offered:.0} messages/s offered, {taken:.0} taken; {:.0} superseded, {:.0} lost; \
         state age p50 {s50:.1} p99 {s99:.1} max {s_max:.1} ms; event age p50 {e50:.1} p99 {e99:.1} max {e_max:.1} ms; pass \
         p50 {p50:.1} p99 {p99:.1} max {p_max:.1} ms; RSS {joined:.0} KiB joined, {max:.0} max, {end:.0} at the end",
        number("/overload/capacity"),
        number("/superseded"),
        number("/lost"),
    );
    if taken < REACHED * offered {
        let _ = write!(
            text,
            "; NOT {TIMES} TIMES: {:.1} times was reached, by a publisher that used {publisher:.0} % of its core",
            taken / number("/overload/capacity"),
        );
    }
    Some(text)
}

/// Returns the targets: nothing is lost, memory is bounded, state values are fresh.
pub(super) fn claims(figures: &Valid<'_>, cells: &[Cell]) -> Vec<TargetClaim> {
    let mut claims = Vec::new();
    for cell in cells.iter().filter(|cell| cell.group == Group::Overload) {
        for ours in OURS {
            let name = format!("{}, {}", ours.name(), cell.name);
            let mut claim = |text: &str, at_most: f64, metric: Metric| {
                claims.push(TargetClaim::new(format!("{name}: {text}"), at_most, figures.rounds(cell, ours, metric)));
            };
            claim("p99 of the age of state values / p99 of a pass", PASSES, Metric::StateAge);
            claim("bytes of memory beyond those at rest", MEMORY_BYTES, Metric::MemoryGrowth);
            claim("messages lost or out of order, and viewers closed", 0.0, Metric::Faults);
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::bench::cell::tests::plan;
    use crate::bench::journal::RunJournal;
    use crate::bench::summary::Summary;
    use crate::report::Judged;

    fn figures(taken: f64, faults: u32) -> Value {
        json!({
            "superseded": 9, "lost": faults, "state_age_us": { "p50": 1_000, "p99": 2_000, "max": 3_000 },
            "event_age_us": { "p50": 4_000, "p99": 5_000, "max": 6_000 },
            "pass_us": { "p50": 7_000, "p99": 8_000, "max": 9_000 }, "generator_threads": [{ "cpu": 0.5 }],
            "server_rss_bytes": { "joined": 1_024, "max": 3_072, "end": 2_048 },
            "overload": {
                "capacity": 100.0, "offered": 1_000.0, "taken": taken, "state_age_passes": 0.5,
                "rss_growth_bytes": 2_048, "faults": faults,
            },
        })
    }

    #[test]
    fn a_rate_that_was_not_reached_is_reported() {
        let told = |taken| rate_line(&figures(taken, 0).into()).unwrap();
        assert!(told(1_000.0).ends_with(
            "state age p50 1.0 p99 2.0 max 3.0 ms; event age p50 4.0 p99 5.0 max 6.0 ms; pass p50 7.0 p99 8.0 max 9.0 ms; \
                                         RSS 1 KiB joined, 3 max, 2 at the end"
        ));
        assert!(told(420.0).ends_with("4.2 times was reached, by a publisher that used 50 % of its core"));
        assert_eq!(super::rate_line(&json!({ "lost": 0 }).into()), None);
    }

    #[test]
    fn a_fault_under_overload_fails_and_everything_else_is_reported() {
        let plan = super::super::cell::Plan { groups: vec![Group::Overload], ..plan() };
        let cells = plan.cells(|_| Err(Failure::new("no probe is needed"))).unwrap();
        for (faults, missed) in [(0, 0), (2, 1)] {
            let runs =
                OURS.map(|ours| (0, &cells[0], ours, Some(figures(1_000.0, if ours == OURS[0] { faults } else { 0 }))));
            let summary = Summary::of(&RunJournal::of(&plan, &runs), &cells);
            assert_eq!(
                (summary.claims.len(), summary.claims.iter().filter(|claim| !claim.is_met()).count()),
                (6, missed)
            );
            assert_eq!(summary.verdict().is_err(), faults > 0);
        }
    }
}
