//! The findings of a run, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::Duration;

use super::Plan;
use super::ledger::ArrivalCounts;
use super::owner::OwnersRecord;
use super::viewer::ViewersRecord;
use crate::load::CpuShare;
use crate::load::server::Sample;
use crate::report::Judged;
use crate::steps::Failure;

/// Above this share of a core the load generator itself is late, and its figures of latency are void.
const BUSY_MAX: f64 = 0.8;

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) plan: Plan,
    pub(super) said: OwnersRecord,
    pub(super) heard: ViewersRecord,
    /// The first one is from before the first connection.
    pub(super) samples: Vec<Sample>,
    pub(super) after_joins: Sample,
    pub(super) end: Sample,
    /// The time from the joins to the end in which any task of this machine waited for a core, if that is known.
    pub(super) waited: Option<Duration>,
}

impl Findings {
    fn messages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ArrivalCounts { expected, received, repeated, out_of_order, unknown } = self.heard.counts;
        let lost = self.heard.counts.lost();
        writeln!(
            f,
            "  messages   {expected} expected, {received} received, {lost} lost, {repeated} repeated, \
             {out_of_order} out of order, {unknown} unknown; published in {:.1} s",
            self.said.time.as_secs_f64()
        )?;
        write!(f, "  ends       {} viewers closed with 1000 behind the last message", self.heard.done)?;
        for (what, count) in &self.heard.cut {
            write!(f, "; {count}: {what}")?;
        }
        writeln!(f)
    }

    fn server(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.samples.first().map_or(0, |sample| sample.rss);
        let max = self.samples.iter().chain([&self.after_joins, &self.end]).map(|sample| sample.rss).max();
        writeln!(
            f,
            "  memory     {} at the start, {} after the joins, {} at most, {} at the end (RSS)",
            mebibytes(start),
            mebibytes(self.after_joins.rss),
            mebibytes(max.unwrap_or(0)),
            mebibytes(self.end.rss)
        )?;
        let cpu = self.end.cpu.saturating_sub(self.after_joins.cpu);
        let busy = CpuShare { cpu, time: self.end.at - self.after_joins.at };
        let deliveries = self.heard.counts.received.max(1);
        let nanos = cpu.as_nanos() / u128::from(deliveries);
        writeln!(f, "  cpu        {nanos} ns a delivery; {:.1} % of a core", busy.share() * 100.0)
    }

    fn latency(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let late = &self.heard.late_micros;
        let (viewers, owners) = (self.heard.busy.share(), self.said.busy.share());
        let void = if viewers.max(owners) > BUSY_MAX { " - VOID: the load generator was too busy" } else { "" };
        writeln!(
            f,
            "  latency    p50 {}, p99 {}, max {}{void}",
            quantile(late, 50),
            quantile(late, 99),
            quantile(late, 100)
        )?;
        write!(f, "  generator  viewers {:.1} % of a core, owners {:.1} %", viewers * 100.0, owners * 100.0)?;
        if let Some(waited) = self.waited {
            // Other programs make messages late too.
            let share = waited.as_secs_f64() / (self.end.at - self.after_joins.at).as_secs_f64();
            write!(f, "\n  machine    some task waited for a core {:.1} % of the time", share * 100.0)?;
        }
        Ok(())
    }
}

impl Judged for Findings {
    /// Fails if any viewer did not get every message exactly once and in order, and the room's end behind them.
    fn verdict(&self) -> Result<(), Failure> {
        if self.heard.counts.is_exact() && self.heard.cut.is_empty() && self.heard.done == self.plan.viewers {
            return Ok(());
        }
        let lost = self.heard.counts.lost();
        Err(Failure::new(format!("not every viewer got every message once and in order ({lost} lost)")))
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { rooms, viewers, rate, size, seconds } = self.plan;
        writeln!(
            f,
            "soak: {rooms} rooms, {viewers} viewers in all, {rate} messages of {size} bytes a second and room, \
             {seconds} s"
        )?;
        self.messages(f)?;
        self.server(f)?;
        self.latency(f)
    }
}

/// Returns the smallest of the sorted `micros` that `percent` of them do not exceed.
fn quantile(micros: &[u32], percent: usize) -> String {
    let rank = (micros.len() * percent).div_ceil(100).max(1);
    match micros.get(rank - 1) {
        Some(&micros) => format!("{:.2} ms", Duration::from_micros(micros.into()).as_secs_f64() * 1e3),
        None => "none".into(),
    }
}

fn mebibytes(bytes: u64) -> String {
    let tenths = bytes * 10 / (1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let micros: Vec<u32> = (1..=200).map(|value| value * 1_000).collect();
        assert_eq!(quantile(&micros, 50), "100.00 ms");
        assert_eq!(quantile(&micros, 99), "198.00 ms");
        assert_eq!(quantile(&micros, 100), "200.00 ms");
        assert_eq!(quantile(&[7], 50), "0.01 ms");
        assert_eq!(quantile(&[], 50), "none");
    }

    #[test]
    fn memory_is_shown_in_mebibytes() {
        assert_eq!(mebibytes(5 * 1024 * 1024 + 600 * 1024), "5.5 MiB");
    }
}
