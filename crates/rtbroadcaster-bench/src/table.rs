//! Writes a report as a table. Must not know how its figures were measured.

use std::fmt::{self, Display, Formatter};

use crate::latency::Percentiles;
use crate::plan::{Protocol, Workload};
use crate::report::Report;

/// The text of an unknown figure.
const UNKNOWN: &str = "-";

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.what(f)?;
        if let Some(rate) = self.deliveries_per_second {
            row(f, "deliveries", &format!("{} of {} expected", grouped(self.counts.received), grouped(self.expected)))?;
            row(f, "faults", &self.faults())?;
            row(f, "throughput", &format!("{} deliveries/s", grouped(whole(rate))))?;
            row(f, "latency", &times(self.latency_us))?;
            if self.state_age_us.is_some() || self.event_age_us.is_some() {
                row(f, "state age", &times(self.state_age_us))?;
                row(f, "event age", &times(self.event_age_us))?;
                row(f, "pass", &times(self.pass_us))?;
            }
        }
        if self.joins > 0 || self.viewers > 0 {
            let rate = self.joins_per_second.map_or(UNKNOWN.into(), |rate| grouped(whole(rate)));
            row(f, "joins", &format!("{rate} joins/s"))?;
            row(f, "join time", &times(self.join_us))?;
        }
        self.server(f)?;
        self.generator(f)
    }
}

impl Report {
    fn what(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Classic => "classic",
            Protocol::V2 => "version 2",
            Protocol::Relay => "relay",
        };
        let (viewers, rooms) = (grouped(self.viewers.into()), grouped(self.rooms.into()));
        let rooms = if self.rooms == 1 { "1 room".into() } else { format!("{rooms} rooms") };
        if self.deliveries_per_second.is_none() {
            let joins = grouped(self.joins.into());
            let there = if self.viewers > 0 { format!(" besides {viewers} viewers") } else { String::new() };
            return row(f, "plan", &format!("{protocol}, {joins} join {rooms}{there}"));
        }
        let pace = match (self.rate, self.window) {
            (Some(rate), _) => format!("{rate} messages/s a room"),
            (None, window) => format!("{} in flight a room", window.unwrap_or(0)),
        };
        let stalled =
            if self.stalled > 0 { format!(", {} stalled", grouped(self.stalled.into())) } else { String::new() };
        let messages = match self.kind {
            Workload::Event => "events",
            Workload::State => "state values",
            Workload::Ephemeral => "ephemerals",
            Workload::Mixed => "events and state values",
        };
        let messages = format!("{messages} of {} bytes", self.size);
        row(f, "plan", &format!("{protocol}, {viewers} viewers in {rooms}{stalled}, {messages}, {pace}"))
    }

    fn faults(&self) -> String {
        let closed = self.closes.values().sum();
        let codes: Vec<_> = self.closes.keys().map(u16::to_string).collect();
        let codes = format!("closed with {}", codes.join(", "));
        let counts = [
            (self.counts.lost, "lost"),
            (self.counts.repeated, "repeated"),
            (self.counts.out_of_order, "out of order"),
            (self.counts.unknown, "unknown"),
            (closed, &codes),
            (self.counts.superseded, "superseded (no fault)"),
            (self.unsaid, "messages due that the server did not read in time (no fault)"),
        ];
        let told: Vec<_> = counts.iter().filter(|(count, _)| *count > 0).collect();
        let told: Vec<_> = told.iter().map(|(count, what)| format!("{} {what}", grouped(*count))).collect();
        if told.is_empty() { "none".into() } else { told.join(", ") }
    }

    fn server(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(rss) = self.server_rss_bytes else {
            return row(f, "server", "unknown: give its process with --pid");
        };
        let mut costs = Vec::new();
        if let Some(nanos) = self.server_cpu_ns_per_delivery {
            costs.push(format!("{} ns a delivery", grouped(whole(nanos))));
        }
        if let Some(micros) = self.server_cpu_us_per_join {
            costs.push(format!("{micros} us a join"));
        }
        if let Some((share, waited)) = self.server_cpu_share.zip(self.server_waited_share) {
            costs.push(format!("{} of a core ({} waiting for one)", percent(share), percent(waited)));
        }
        row(f, "server CPU", &costs.join(", "))?;
        let viewer = self.bytes_per_viewer.map_or(UNKNOWN.into(), |bytes| grouped(whole(bytes)));
        let kibibytes = [rss.before, rss.joined, rss.max, rss.end].map(|bytes| grouped(bytes / 1024));
        let [before, joined, max, end] = kibibytes;
        let text =
            format!("{viewer} bytes a viewer; {before} KiB before, {joined} joined, {max} max, {end} at the end");
        row(f, "server RSS", &text)
    }

    fn generator(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let thread = |(name, cpu, waited): (&str, f64, f64)| {
            format!("{name} {} of a core ({} waiting for one)", percent(cpu), percent(waited))
        };
        let threads = self.generator_threads.iter().map(|it| thread((&it.name, it.cpu, it.waited)));
        let threads: Vec<_> = threads.collect();
        if !threads.is_empty() {
            row(f, "this program", &threads.join(", "))?;
        }
        if self.void {
            let why = "this program was the bottleneck: latency and throughput say nothing about the server.";
            row(f, "VOID", why)?;
            row(f, "", "CPU a delivery stays right. Give it cores of its own, --threads, or a lower --rate.")?;
        }
        Ok(())
    }
}

/// Writes one row. The first one begins the text; no line end follows the last one.
fn row(f: &mut Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    if name == "plan" { write!(f, "{name:<14}{text}") } else { write!(f, "\n{name:<14}{text}") }
}

fn times(times: Option<Percentiles>) -> String {
    let Some(Percentiles { p50, p99, p999, max }) = times else { return UNKNOWN.into() };
    let [p50, p99, p999, max] = [p50, p99, p999, max].map(millis);
    format!("p50 {p50}, p99 {p99}, p99.9 {p999}, max {max}")
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Returns microseconds in a readable unit.
fn millis(micros: f64) -> String {
    if micros < 1_000.0 { format!("{micros:.0} us") } else { format!("{:.1} ms", micros / 1_000.0) }
}

/// Returns the rounded integer.
fn whole(value: f64) -> u64 {
    format!("{value:.0}").parse().unwrap_or(0)
}

/// Returns a number with spaces between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::delivery_tracker::DeliveryCounts;

    /// Returns a report with few known figures.
    fn report(kind: Workload) -> Report {
        Report {
            protocol: Protocol::V2,
            kind,
            viewers: 5_000,
            rooms: 1,
            size: 512,
            window: Some(4),
            rate: None,
            seconds: 1.0,
            stalled: 0,
            messages: 0,
            unsaid: 0,
            expected: 0,
            counts: DeliveryCounts::default(),
            closes: BTreeMap::new(),
            deliveries_per_second: Some(0.0),
            latency_us: None,
            state_age_us: None,
            event_age_us: None,
            pass_us: None,
            joins: 0,
            joins_per_second: None,
            join_us: None,
            server_cpu_ns_per_delivery: None,
            server_cpu_us_per_join: None,
            server_cpu_share: None,
            server_waited_share: None,
            server_rss_bytes: None,
            bytes_per_viewer: None,
            generator_cpu_share: None,
            generator_threads: Vec::new(),
            void: false,
        }
    }

    #[test]
    fn a_table_begins_with_the_plan_of_the_run() {
        for (kind, messages) in [
            (Workload::Event, "events"),
            (Workload::State, "state values"),
            (Workload::Ephemeral, "ephemerals"),
            (Workload::Mixed, "events and state values"),
        ] {
            let text = report(kind).to_string();
            let plan = format!(
                "plan          version 2, 5 000 viewers in 1 room, {messages} of 512 bytes, 4 in flight a room\n"
            );
            assert!(text.starts_with(&plan), "{text}");
        }
    }

    #[test]
    fn a_void_run_is_told_with_the_reason_and_no_other() {
        let good = report(Workload::Event);
        assert!(!good.to_string().contains("VOID"), "{good}");
        let void = Report { void: true, ..good };
        assert!(void.to_string().contains("\nVOID          this program was the bottleneck: latency"), "{void}");
    }

    #[test]
    fn figures_are_written_for_people() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1 000"), (12_345_678, "12 345 678")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!([millis(12.34), millis(1_250.0)], ["12 us", "1.2 ms"]);
        assert_eq!((whole(0.4), whole(1_999.6)), (0, 2_000));
        assert_eq!(times(None), "-");
    }
}
