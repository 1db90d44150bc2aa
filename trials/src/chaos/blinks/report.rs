//! The findings of viewers that were off again and again, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::Duration;

use super::{EVERY, OFF, Plan};
use crate::chaos::herd::{Breed, Sums};
use crate::chaos::times::{percentile, seconds};
use crate::report::Judged;
use crate::steps::Failure;

/// The greatest delay of messages that were published while a viewer was off: of 99 in 100, and of all.
const P99_MAX: Duration = Duration::from_millis(2_600);
const MAX: Duration = Duration::from_secs(4);

/// The most attempts in the first 10 s of an outage.
const ATTEMPTS_MAX: u32 = 8;

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) plan: Plan,
    pub(super) sums: Sums,
    pub(super) server_cpu: Duration,
    pub(super) time: Duration,
}

impl Findings {
    fn expected(&self) -> u64 {
        u64::from(self.plan.viewers) * u64::from(self.plan.messages)
    }
}

impl Judged for Findings {
    /// Fails if a message was lost, repeated or too late, or if a viewer tried too often.
    fn verdict(&self) -> Result<(), Failure> {
        let Sums { delivered, repeated, lost, resets, closed, not_back, .. } = self.sums;
        let expected = self.expected();
        if delivered != expected || repeated + lost + resets + closed + not_back > 0 {
            return Err(Failure::new(format!(
                "{delivered} of {expected} delivered, {repeated} repeated, {lost} lost, {resets} resets, {closed} closed, \
                 {not_back} not back"
            )));
        }
        let delays = Sums::sorted(&self.sums.delays_ms);
        let of = |percent| percentile(&delays, percent).unwrap_or_default();
        if of(99) > P99_MAX || of(100) > MAX {
            return Err(Failure::new(format!(
                "messages published while off arrived after {:?} (p99), {:?}",
                of(99),
                of(100)
            )));
        }
        let attempts = self.sums.attempts.iter().max().copied().unwrap_or_default();
        if attempts > ATTEMPTS_MAX {
            return Err(Failure::new(format!("{attempts} attempts in the first 10 s of an outage")));
        }
        Ok(())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, breed, viewers, messages } = self.plan;
        let name = match breed {
            Breed::Remote => "remote::Viewer",
            Breed::Sdk => "SDK in Node.js",
        };
        let Sums { delivered, repeated, lost, resets, closed, not_back, .. } = self.sums;
        writeln!(
            f,
            "blinks: seed {seed}, {viewers} viewers ({name}), {messages} messages, each off for {OFF:?} in every {EVERY:?}"
        )?;
        writeln!(
            f,
            "  delivered  {delivered} of {} ({:.3} %), {repeated} repeated, {lost} lost, {resets} resets, {closed} viewers gave up {:?}, \
             {not_back} not back",
            self.expected(),
            100.0 * delivered as f64 / self.expected() as f64,
            self.sums.reasons
        )?;
        let delays = Sums::sorted(&self.sums.delays_ms);
        writeln!(
            f,
            "  published while off: {} deliveries, {} (p50), {} (p99), {} (max) from publish to delivery; at most {P99_MAX:?} (p99), \
             {MAX:?} (max)",
            delays.len(),
            seconds(&delays, 50),
            seconds(&delays, 99),
            seconds(&delays, 100)
        )?;
        let returns = Sums::sorted(&self.sums.returns_ms);
        writeln!(
            f,
            "  returns    {}: {} (p50), {} (p99), {} (max) after the path was open again",
            returns.len(),
            seconds(&returns, 50),
            seconds(&returns, 99),
            seconds(&returns, 100)
        )?;
        for (_, told) in &self.sums.latest {
            writeln!(f, "             late: {told}")?;
        }
        let attempts = &self.sums.attempts;
        let mean = attempts.iter().map(|&count| f64::from(count)).sum::<f64>() / attempts.len().max(1) as f64;
        writeln!(
            f,
            "  attempts   {mean:.2} on average and {} at most in the first 10 s; at most {ATTEMPTS_MAX}",
            attempts.iter().max().copied().unwrap_or_default()
        )?;
        let share = |cpu: f64| 100.0 * cpu / self.time.as_secs_f64();
        write!(
            f,
            "  time       {:.1} s in all; of a core: server {:.0} %, viewers {:.0} %, relays {:.0} %",
            self.time.as_secs_f64(),
            share(self.server_cpu.as_secs_f64()),
            share(self.sums.cpu_ms as f64 / 1e3),
            share(self.sums.relay_cpu_ms as f64 / 1e3)
        )
    }
}
