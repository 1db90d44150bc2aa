//! Measures what it costs to keep rooms' logs: in memory, on disk, in one NATS server, and in three. Server, NATS and load
//! generator share all cores. Must not know how a log is kept.

mod followed;
mod place;

use std::fmt::Write as _;
use std::process::Command;

use serde::Deserialize;

use super::statistics::Spread;
use super::{Bench, Group};
use crate::load::nats::NatsServer;
use crate::load::{release, target};
use crate::nats_server;
use crate::report::Report;
use crate::steps::{Failure, Steps};
use place::{Place, Places};

/// The numbers of rooms, each with an owner and a viewer, and of messages in flight in each.
const ROOMS: [u32; 3] = [1, 16, 256];
const WINDOWS: [u32; 2] = [1, 16];

/// How often each is measured, and for how many seconds, unless that is given.
const ROUNDS: u32 = 3;
const SECONDS: u32 = 5;

/// What the load generator prints.
#[derive(Debug, Deserialize)]
struct Printed {
    deliveries_per_second: f64,
    latency_us: Latency,
    server_cpu_ns_per_delivery: f64,
    lost: u64,
    repeated: u64,
    out_of_order: u64,
}

#[derive(Debug, Deserialize)]
struct Latency {
    p50: f64,
    p99: f64,
}

/// One kind of log under one load, in all rounds.
struct Row {
    place: Place,
    rooms: u32,
    window: u32,
    printed: Vec<Printed>,
}

/// Measures all of them, in turn in each round.
pub(super) fn run(options: &Bench, steps: &mut Steps) -> Result<Report, Failure> {
    debug_assert!(options.only == [Group::Logs]);
    let (version, hash) = nats_server::NEWEST;
    let program = nats_server::install(version, hash, steps)?;
    let quick = |quick, full| if options.quick { quick } else { full };
    let (rounds, seconds) = (options.rounds.unwrap_or(quick(1, ROUNDS)), options.seconds.unwrap_or(quick(1, SECONDS)));
    let folder = target().join("tmp").join(format!("bench-logs-{}", std::process::id()));
    let places = Places::begin(&program, &folder)?;
    let mut rows = Vec::new();
    for (rooms, window) in ROOMS.iter().flat_map(|rooms| WINDOWS.map(|window| (*rooms, window))) {
        rows.extend(Place::ALL.map(|place| Row { place, rooms, window, printed: Vec::new() }));
    }
    for round in 0..rounds {
        for row in &mut rows {
            let server = places.serve(row.place)?;
            let address = format!("ws://{}/broadcasting", server.address());
            let mut generator = Command::new(release("rtbroadcaster"));
            generator.args(["bench", &address, "--protocol", "v2", "--json", "--warmup", "1"]);
            for (flag, value) in
                [("--rooms", row.rooms), ("--viewers", row.rooms), ("--window", row.window), ("--seconds", seconds)]
            {
                generator.args([flag, &value.to_string()]);
            }
            generator.args(["--pid", &server.process().to_string()]);
            let output = generator.output().map_err(|error| Failure::new(error.to_string()))?;
            let printed: Printed = serde_json::from_slice(&output.stdout).map_err(|error| {
                Failure::new(format!("the load generator: {error}: {}", String::from_utf8_lossy(&output.stderr)))
            })?;
            println!("round {}: {row}: {printed}", round + 1);
            row.printed.push(printed);
        }
    }
    let followed = followed::measure(&places, options.quick)?;
    steps.pass();
    let mut lines = String::from(
        "log        rooms  in flight   messages/s   p50 (ms)   p99 (ms)   server CPU (us)   messages/s beside memory\n",
    );
    let per_second = |row: &Row| Spread::of(row.printed.iter().map(|printed| printed.deliveries_per_second));
    for group in rows.chunks(Place::ALL.len()) {
        let memory = per_second(&group[0]).map(|spread| spread.median);
        for row in group {
            let median =
                |read: fn(&Printed) -> f64| Spread::of(row.printed.iter().map(read)).map_or(f64::NAN, |all| all.median);
            let _ = writeln!(
                lines,
                "{row} {:>11.0} {:>10.2} {:>10.2} {:>17.1} {:>26.3}",
                median(|printed| printed.deliveries_per_second),
                median(|printed| printed.latency_us.p50 / 1e3),
                median(|printed| printed.latency_us.p99 / 1e3),
                median(|printed| printed.server_cpu_ns_per_delivery / 1e3),
                per_second(row).zip(memory).map_or(f64::NAN, |(here, memory)| here.median / memory),
            );
        }
    }
    lines.push_str(&followed);
    let wrong = |printed: &Printed| printed.lost + printed.repeated + printed.out_of_order;
    let wrong: u64 = rows.iter().flat_map(|row| &row.printed).map(wrong).sum();
    let verdict =
        if wrong == 0 { Ok(()) } else { Err(Failure::new(format!("{wrong} messages were lost or repeated"))) };
    Ok(Report::good(lines).unless(verdict))
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<10} {:>5} {:>10}", self.place.name(), self.rooms, self.window)
    }
}

impl std::fmt::Display for Printed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Latency { p50, p99 } = self.latency_us;
        write!(f, "{:.0} messages/s, p50 {:.2} ms, p99 {:.2} ms", self.deliveries_per_second, p50 / 1e3, p99 / 1e3)
    }
}

/// Returns the flag's value for these servers.
fn urls(servers: &[NatsServer]) -> String {
    let urls: Vec<_> = servers.iter().map(|server| format!("nats://{}", server.address())).collect();
    urls.join(",")
}
