//! `cargo xtask soak`: a server under load, each viewer's messages counted. Must not know how frames are made.

mod ledger;
mod message;
mod owner;
mod report;
mod viewer;

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::sync::{oneshot, watch};

use crate::load::server::Server;
use crate::load::{on_a_thread, optimized, outcome, process, release};
use crate::report::Report;
use crate::scenario::{Scenario, run_all};
use crate::steps::{Failure, Steps};
use report::Findings;

/// The most time of everything besides the publishing.
const MARGIN: Duration = Duration::from_secs(60);

/// The time between two samples of the server.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// Without --viewers and --rate there are two runs: 1 000 viewers at 50 messages a second, and 5 000 at 10.
#[derive(Debug, Args)]
pub(crate) struct Soak {
    /// How many rooms; the viewers are spread over them
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    rooms: u32,
    /// How many viewers in all [default: 1000]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=19_000))]
    viewers: Option<u32>,
    /// How many messages a second in each room [default: 50]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// How many bytes of parameters each message has
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(64..=60_000))]
    size: u32,
    /// How many seconds messages are published
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

/// One run.
#[derive(Debug, Clone, Copy)]
struct Plan {
    rooms: u32,
    viewers: u32,
    rate: u32,
    size: u32,
    seconds: u32,
}

impl Plan {
    /// Returns how many messages each room gets.
    fn messages(self) -> u32 {
        self.rate * self.seconds
    }
}

impl Scenario for Plan {
    type Options = Soak;
    type Given = ();

    fn plans(options: &Soak, (): ()) -> Vec<Self> {
        let Soak { rooms, size, seconds, .. } = *options;
        let plan = |viewers, rate| Self { rooms, viewers, rate, size, seconds };
        match (options.viewers, options.rate) {
            (None, None) => vec![plan(1_000, 50), plan(5_000, 10)],
            (viewers, rate) => vec![plan(viewers.unwrap_or(1_000), rate.unwrap_or(50))],
        }
    }

    fn run(self, _: &mut Steps) -> Result<Report, Failure> {
        measure(self).map(Report::from)
    }
}

/// Runs and prints every plan, also after a failure, by an optimized build of this program: the load generator must not
/// be the slow part.
pub(crate) fn run(options: &Soak, steps: &mut Steps) -> Result<(), Failure> {
    if let Some(outcome) = optimized(steps) {
        return outcome;
    }
    run_all::<Plan>(options, (), steps, |outcome, steps| match outcome {
        Ok(()) => steps.pass(),
        Err(failure) => println!("  FAILED: {failure}"),
    })
}

/// A clock that all threads of a run share, so that the age of another thread's message can be computed.
#[derive(Debug, Clone, Copy)]
struct RunClock(Instant);

impl RunClock {
    fn nanos(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).expect("a run is shorter than 584 years")
    }
}

fn measure(plan: Plan) -> Result<Findings, Failure> {
    let server = Server::start(&release("rtbroadcaster"), &[])?;
    let mut samples = vec![server.sample()?];
    let address = server.address();
    let stopwatch = RunClock(Instant::now());
    let limit = Duration::from_secs(plan.seconds.into()) + MARGIN;
    let (opened, rooms) = oneshot::channel();
    let (joined, all_joined) = channel();
    let (begin, begun) = watch::channel(());
    let owners = on_a_thread(limit, move || owner::speak(address, plan, stopwatch, opened, begun));
    let viewers = on_a_thread(limit, move || viewer::hear(address, plan, stopwatch, rooms, joined));
    // A sender that is dropped means that its thread has failed, which is reported when it is joined.
    while all_joined.recv_timeout(SAMPLE_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        samples.push(server.sample()?);
    }
    let after_joins = server.sample()?;
    let pressure = process::cpu_pressure();
    begin.send_replace(());
    while !(owners.is_finished() && viewers.is_finished()) {
        samples.push(server.sample()?);
        thread::sleep(SAMPLE_INTERVAL);
    }
    let (said, heard) = (outcome(owners)?, outcome(viewers)?);
    let end = server.sample()?;
    let waited = pressure.and_then(|before| Some(process::cpu_pressure()?.saturating_sub(before)));
    server.stop()?;
    Ok(Findings { plan, said, heard, samples, after_joins, end, waited })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_viewers_and_rate_there_are_two_runs() {
        let options = Soak { rooms: 1, viewers: None, rate: None, size: 512, seconds: 60 };
        let runs: Vec<_> =
            Plan::plans(&options, ()).iter().map(|plan| (plan.viewers, plan.rate, plan.messages())).collect();
        assert_eq!(runs, [(1_000, 50, 3_000), (5_000, 10, 600)]);
        let one = Soak { rate: Some(20), ..options };
        let runs: Vec<_> = Plan::plans(&one, ()).iter().map(|plan| (plan.viewers, plan.rate)).collect();
        assert_eq!(runs, [(1_000, 20)]);
    }
}
