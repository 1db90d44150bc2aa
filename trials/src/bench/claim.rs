//! The targets: this server's promises against the floor and against others. Must not know how figures are measured.

use serde::Serialize;

use super::Group;
use super::cell::{Cell, PublishPace, SIZE};
use super::contender::{Contender, OURS};
use super::figures::Metric;
use super::overload;
use super::statistics::{Rounds, Spread, differences, least, ratios};
use super::summary::Valid;

/// The most that a delivery may cost, in times the floor's: with one message in flight, and with several by the number
/// of viewers.
const ONE_IN_FLIGHT: f64 = 1.10;
const FEW_VIEWERS: f64 = 1.25;
const MANY_VIEWERS: f64 = 1.5;
/// From this number of viewers on they are many.
const MANY: u32 = 10_000;

/// The same in times the better of Bun and `ws`, and with several in flight in times axum's.
const OTHERS: f64 = 1.15;
const AXUM: f64 = 0.2;

/// The greatest p99, in times the floor's.
const LATENCY: f64 = 1.15;

/// The most that a delivery may cost in many small rooms, in times its cost in few large ones.
const ROOMS: f64 = 1.3;

/// The most CPU time of a join, in times the floor's.
const JOIN: f64 = 3.0;

/// The most bytes of the process with idle viewers, and of a room without viewers.
const BASE_BYTES: f64 = 20.0 * 1024.0 * 1024.0;
const VIEWER_BYTES: f64 = 1_536.0;
const ROOM_BYTES: f64 = 4_096.0;

/// A target and its measured figure.
#[derive(Debug, Serialize)]
pub(super) struct TargetClaim {
    pub(super) text: String,
    pub(super) at_most: f64,
    /// The figures of the rounds that count; none where nothing was measured.
    pub(super) found: Option<Spread>,
}

impl TargetClaim {
    pub(super) fn new(text: String, at_most: f64, rounds: Rounds) -> Self {
        Self { text, at_most, found: Spread::of(rounds.into_iter().flatten()) }
    }

    /// Returns whether the median meets the target.
    pub(super) fn is_met(&self) -> bool {
        self.found.is_some_and(|found| found.median <= self.at_most)
    }
}

/// Returns every target of the cells, in classic and in version 2.
pub(super) fn all(figures: &Valid<'_>, cells: &[Cell]) -> Vec<TargetClaim> {
    let ours = OURS.iter().flat_map(|&ours| of(figures, cells, ours));
    ours.chain(overload::claims(figures, cells)).collect()
}

fn of(figures: &Valid<'_>, cells: &[Cell], ours: Contender) -> Vec<TargetClaim> {
    let mut claims = Vec::new();
    for cell in cells {
        let name = format!("{}, {}", ours.name(), cell.name);
        match (cell.group, cell.pace) {
            (Group::Fanout | Group::Sizes, PublishPace::Window(window)) if cell.size <= SIZE => {
                claims.extend(delivery(figures, cell, window, ours, &name));
            }
            (Group::Latency, _) => {
                let p99 = ratios(&figures.rounds(cell, ours, Metric::P99), &figures.floor(cell, Metric::P99));
                claims.push(TargetClaim::new(format!("{name}: p99 / floor"), LATENCY, p99));
            }
            (Group::Joins, _) if cell.rooms == 1 => {
                let cost = |contender| figures.rounds(cell, contender, Metric::CpuPerJoin);
                let join = ratios(&cost(ours), &figures.floor(cell, Metric::CpuPerJoin));
                claims.push(TargetClaim::new(format!("{name}: CPU per join / floor"), JOIN, join));
                let bytes_max = BASE_BYTES + VIEWER_BYTES * f64::from(cell.viewers);
                let memory = figures.rounds(cell, ours, Metric::BytesInAll);
                claims.push(TargetClaim::new(format!("{name}: bytes of memory"), bytes_max, memory));
            }
            _ => {}
        }
    }
    claims.extend(small_rooms(figures, cells, ours));
    claims.extend(idle_rooms(figures, cells, ours));
    claims
}

/// Returns the targets of a delivery's cost.
fn delivery(figures: &Valid<'_>, cell: &Cell, window: u32, ours: Contender, name: &str) -> Vec<TargetClaim> {
    let cost = |contender| figures.rounds(cell, contender, Metric::CpuPerDelivery);
    let to = |those: &Rounds| ratios(&cost(ours), those);
    let at_most = match (window, cell.viewers) {
        (1, _) => ONE_IN_FLIGHT,
        (_, MANY..) => MANY_VIEWERS,
        _ => FEW_VIEWERS,
    };
    let floor = figures.floor(cell, Metric::CpuPerDelivery);
    let others = least(&[cost(Contender::Bun), cost(Contender::Ws)]);
    let mut claims = vec![
        TargetClaim::new(format!("{name}: delivery / floor"), at_most, to(&floor)),
        TargetClaim::new(format!("{name}: delivery / the better of Bun and ws"), OTHERS, to(&others)),
    ];
    if window >= 16 {
        claims.push(TargetClaim::new(format!("{name}: delivery / axum"), AXUM, to(&cost(Contender::Axum))));
    }
    claims
}

/// Returns the target of many rooms against few.
fn small_rooms(figures: &Valid<'_>, cells: &[Cell], ours: Contender) -> Option<TargetClaim> {
    let mut rooms = cells.iter().filter(|cell| cell.group == Group::Rooms);
    let (few, many) = (rooms.next()?, rooms.next()?);
    let cost = |cell| figures.rounds(cell, ours, Metric::CpuPerDelivery);
    let text = format!("{}, {} rooms: delivery / {} rooms", ours.name(), many.rooms, few.rooms);
    Some(TargetClaim::new(text, ROOMS, ratios(&cost(many), &cost(few))))
}

/// Returns the target of an idle room's memory, its owner's connection included: how much more a server holds with many
/// rooms than with one.
fn idle_rooms(figures: &Valid<'_>, cells: &[Cell], ours: Contender) -> Option<TargetClaim> {
    let mut joins = cells.iter().filter(|cell| cell.group == Group::Joins);
    let one = joins.clone().find(|cell| cell.rooms == 1)?;
    let many = joins.find(|cell| cell.rooms > 1)?;
    let bytes = |cell| figures.rounds(cell, ours, Metric::BytesWithoutViewers);
    let (more, rooms) = (differences(&bytes(many), &bytes(one)), f64::from(many.rooms - one.rooms));
    let each = more.into_iter().map(|more| Some(more? / rooms)).collect();
    Some(TargetClaim::new(format!("{}, idle room with its owner: bytes", ours.name()), ROOM_BYTES, each))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bench::cell::tests::plan;
    use crate::bench::journal::RunJournal;

    /// Returns the claims where every contender has the same figures in every cell, but for this one of classic.
    fn claims(path: &str, factor: f64) -> Vec<TargetClaim> {
        let plan = plan();
        let told = |factor: f64| {
            let mut told = json!({
                "server_cpu_ns_per_delivery": 1_000.0, "latency_us": { "p99": 500.0 }, "server_cpu_us_per_join": 20.0,
                "bytes_per_viewer": 1_000.0, "server_rss_bytes": { "before": 1e6, "joined": 1e7 },
            });
            let figure = told.pointer_mut(path).unwrap();
            *figure = Value::from(figure.as_f64().unwrap() * factor);
            told
        };
        let cells = plan.cells(|_| Ok(told(1.0).into())).unwrap();
        let mut runs = Vec::new();
        for cell in &cells {
            for &contender in &cell.contenders {
                let told = told(if contender == Contender::Classic { factor } else { 1.0 });
                runs.push((0, cell, contender, Some(told)));
            }
        }
        all(&Valid::of(&RunJournal::of(&plan, &runs)), &cells)
    }

    /// Returns the targets that are not met.
    fn missed(path: &str, factor: f64) -> Vec<String> {
        let claims = claims(path, factor);
        let missed = claims
            .iter()
            .filter(|claim| !(claim.is_met() || claim.text.contains("axum") || claim.text.contains("ten times")));
        missed.map(|claim| claim.text.clone()).collect()
    }

    #[test]
    fn the_targets_are_those_of_the_floor_and_of_others() {
        let delivery = "/server_cpu_ns_per_delivery";
        assert_eq!(missed(delivery, 1.09), [""; 0]);
        assert_eq!(missed(delivery, 1.2).len(), 3 + 6, "three with W=1, and all against the others");
        assert_eq!(missed(delivery, 1.3).len(), 5 + 6);
        assert_eq!(missed(delivery, 1.6).len(), 6 + 6);
        assert_eq!(missed("/latency_us/p99", 1.2).len(), 2);
        assert_eq!(missed("/server_cpu_us_per_join", 3.1).len(), 2);
        assert_eq!(missed("/server_rss_bytes/joined", 4.0), ["classic, 10000 idle: bytes of memory"]);
        let axum = claims(delivery, 0.19);
        assert_eq!(axum.iter().filter(|claim| claim.text.contains("axum") && claim.is_met()).count(), 3);
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        let claim = TargetClaim::new("nothing".into(), 1.0, vec![None, None]);
        assert!(!claim.is_met() && claim.found.is_none());
    }
}
