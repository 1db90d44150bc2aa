//! The cells: how many viewers receive what in how many rooms, and which figures of that count. Must not know how they
//! are measured.

use serde::Serialize;

use super::Group;
use super::contender::{self, Contender};
use super::figures::{Figures, Metric};
use super::overload;
use crate::steps::Failure;

/// The measurements that are asked for.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Plan {
    pub(super) rounds: u32,
    pub(super) seconds: u32,
    pub(super) viewers: Vec<u32>,
    pub(super) windows: Vec<u32>,
    pub(super) sizes: Vec<u32>,
    /// The numbers of idle viewers.
    pub(super) idle: Vec<u32>,
    /// Two numbers of rooms, few and many, with the same number of viewers in all.
    pub(super) rooms: [u32; 2],
    /// The number of viewers in each room of the few.
    pub(super) per_few: u32,
    /// The number of idle rooms, with one viewer each.
    pub(super) idle_rooms: u32,
    /// The number of viewers under overload, and for how long.
    pub(super) overload_viewers: u32,
    pub(super) overload_seconds: u32,
    #[serde(skip)]
    pub(super) groups: Vec<Group>,
}

/// When messages are published.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PublishPace {
    /// The owner of each room keeps this number of messages in flight.
    Window(u32),
    /// This number of messages a second, however slowly they are acknowledged.
    Rate(f64),
    /// The same rate, most of them state values of a few keys.
    Mixed(f64),
    /// None: the viewers join as fast as they can.
    Storm,
}

/// One measurement of a round, made for all its contenders.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Cell {
    pub(super) name: String,
    #[serde(skip)]
    pub(super) group: Group,
    pub(super) viewers: u32,
    pub(super) rooms: u32,
    pub(super) size: u32,
    pub(super) pace: PublishPace,
    pub(super) contenders: Vec<Contender>,
    pub(super) metrics: Vec<Metric>,
}

/// The size of messages where the size is not what is compared.
pub(super) const SIZE: u32 = 512;

/// The other sizes: a pointer's position, and a page of text.
const OTHER_SIZES: [u32; 2] = [64, 16 * 1024];

/// The share of a core that the floor shall need when latency is measured.
const LOAD: f64 = 0.5;

impl Plan {
    /// Returns all cells. The rate of a cell that has one is half of the floor's capacity, by the cost that a `probe`
    /// of it finds.
    pub(super) fn cells(&self, probe: impl Fn(&Cell) -> Result<Figures, Failure>) -> Result<Vec<Cell>, Failure> {
        let mut cells = Vec::new();
        for &group in &self.groups {
            match group {
                Group::Fanout => {
                    for (&viewers, &size) in self.viewers.iter().flat_map(|v| self.sizes.iter().map(move |s| (v, s))) {
                        cells.extend(self.windows.iter().map(|&window| fanout(group, viewers, size, window)));
                    }
                }
                Group::Sizes => {
                    let viewers = self.viewers.first().copied().unwrap_or(1);
                    for size in OTHER_SIZES {
                        cells.extend(self.windows.iter().map(|&window| fanout(group, viewers, size, window)));
                    }
                }
                Group::Rooms => cells.extend(self.rooms.map(|rooms| self.in_rooms(rooms))),
                Group::Latency => {
                    for &viewers in &self.viewers {
                        let figures = probe(&fanout(group, viewers, SIZE, 1))?;
                        let cost = figures.get(Metric::CpuPerDelivery).filter(|cost| *cost > 0.0);
                        let cost = cost.ok_or_else(|| Failure::new("a delivery by the floor costs nothing"))?;
                        let rate = (LOAD * 1e9 / (cost * f64::from(viewers))).max(0.1);
                        println!(
                            "the floor needs {cost:.0} ns per delivery: {viewers} viewers hear {rate:.1} a second"
                        );
                        cells.push(latency(viewers, rate));
                    }
                }
                Group::Joins => {
                    cells.extend(self.idle.iter().map(|&viewers| joins(viewers, 1, &contender::ALL)));
                    cells.push(joins(self.idle_rooms, self.idle_rooms, &contender::OURS));
                }
                // They have no cells: their comparisons do not take turns.
                Group::Isolation | Group::Balance | Group::Logs => {}
                Group::Overload => {
                    let name =
                        format!("{} viewers, {SIZE} bytes, an owner at ten times the lanes", self.overload_viewers);
                    let (contenders, metrics) = (contender::OURS.to_vec(), overload::METRICS.to_vec());
                    let probe = fanout(group, self.overload_viewers, SIZE, overload::PASS_MESSAGES);
                    cells.push(Cell { name, contenders, metrics, ..probe });
                }
            }
        }
        Ok(cells)
    }

    fn in_rooms(&self, rooms: u32) -> Cell {
        let viewers = self.rooms[0] * self.per_few;
        let name = format!("{rooms} rooms, {viewers} viewers, {SIZE} bytes, W=1");
        let contenders = contender::OURS.to_vec();
        Cell { name, rooms, contenders, ..fanout(Group::Rooms, viewers, SIZE, 1) }
    }
}

fn fanout(group: Group, viewers: u32, size: u32, window: u32) -> Cell {
    Cell {
        name: format!("{viewers} viewers, {size} bytes, W={window}"),
        group,
        viewers,
        rooms: 1,
        size,
        pace: PublishPace::Window(window),
        contenders: contender::ALL.to_vec(),
        metrics: vec![Metric::CpuPerDelivery],
    }
}

fn latency(viewers: u32, rate: f64) -> Cell {
    let name = format!("{viewers} viewers, {SIZE} bytes, {rate:.1} a second");
    // A server that saturates its core here has no latency but a queue.
    let contenders = contender::ALL.into_iter().filter(|contender| *contender != Contender::Axum).collect();
    let metrics = vec![Metric::P99, Metric::CpuPerDelivery];
    Cell { name, pace: PublishPace::Rate(rate), contenders, metrics, ..fanout(Group::Latency, viewers, SIZE, 1) }
}

fn joins(viewers: u32, rooms: u32, contenders: &[Contender]) -> Cell {
    let name = if rooms == 1 { format!("{viewers} idle") } else { format!("{rooms} idle rooms of 1") };
    let metrics = vec![Metric::CpuPerJoin, Metric::BytesPerViewer, Metric::BytesInAll, Metric::BytesWithoutViewers];
    let contenders = contenders.to_vec();
    Cell { name, rooms, pace: PublishPace::Storm, contenders, metrics, ..fanout(Group::Joins, viewers, SIZE, 1) }
}

#[cfg(test)]
pub(super) mod tests {
    use clap::ValueEnum;
    use serde_json::json;

    use super::*;

    /// Returns the plan without options.
    pub(in crate::bench) fn plan() -> Plan {
        Plan {
            rounds: 7,
            seconds: 5,
            viewers: vec![1_000, 10_000],
            windows: vec![1, 16],
            sizes: vec![512],
            idle: vec![10_000, 18_000],
            rooms: [10, 1_000],
            per_few: 1_000,
            idle_rooms: 5_000,
            overload_viewers: 15_000,
            overload_seconds: 60,
            groups: Group::value_variants().to_vec(),
        }
    }

    #[test]
    fn there_is_a_cell_for_each_target() {
        let cost = |_: &Cell| Ok(Figures::from(json!({ "server_cpu_ns_per_delivery": 5_000.0 })));
        let cells = plan().cells(cost).unwrap();
        let names: Vec<_> = cells.iter().map(|cell| cell.name.as_str()).collect();
        for name in [
            "1000 viewers, 512 bytes, W=1",
            "10000 viewers, 512 bytes, W=16",
            "1000 viewers, 16384 bytes, W=1",
            "10 rooms, 10000 viewers, 512 bytes, W=1",
            "1000 rooms, 10000 viewers, 512 bytes, W=1",
            "1000 viewers, 512 bytes, 100.0 a second",
            "18000 idle",
            "5000 idle rooms of 1",
        ] {
            assert!(names.contains(&name), "{name} is not in {names:?}");
        }
        assert_eq!(names.len(), 4 + 4 + 2 + 2 + 3 + 1);
    }

    #[test]
    fn only_what_is_asked_for_is_measured_and_without_a_figure_there_is_no_rate() {
        let plan = Plan { groups: vec![Group::Rooms], ..plan() };
        let cells = plan.cells(|_| Err(Failure::new("no probe is needed"))).unwrap();
        assert_eq!(cells.len(), 2);
        let plan = Plan { groups: vec![Group::Latency], ..plan };
        assert!(plan.cells(|_| Ok(Figures::from(json!({})))).is_err());
    }
}
