//! Carries out a run: opens rooms, lets viewers join, warms up, measures, and waits for the last messages. Must not
//! know sockets.

use std::sync::atomic::Ordering;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use crate::failure::BenchError;
use crate::figures::{Cost, Measurements, UsageSample};
use crate::files;
use crate::plan::{Protocol, RunPlan, Workload};
use crate::process;
use crate::progress::Progress;
use crate::publisher_connection::PublisherConnection;
use crate::room::{RunClock, RunPhase, RunState, Schedule, nanos};
use crate::workers::{Aborted, ThreadList, Workers};

/// The time between two checks of a condition.
const LOOK: Duration = Duration::from_millis(1);

/// The time between two checks of a condition while messages are sent: each check costs CPU time that the viewers need.
const SELDOM: Duration = Duration::from_millis(50);

/// The longest time for which messages may be on their way while none of them arrives.
const STALL_MAX: Duration = Duration::from_secs(3);

/// The longest time until a probe of a relay has reached all viewers.
const PROBE_LIMIT: Duration = Duration::from_secs(10);

/// A server that used less CPU time than [`QUIET`] within [`QUIET_TIME`] is idle. The run waits for that at most
/// [`QUIET_LIMIT`].
const QUIET: Duration = Duration::from_millis(1);
const QUIET_TIME: Duration = Duration::from_millis(50);
const QUIET_LIMIT: Duration = Duration::from_secs(3);

/// Open files besides connections: some of the process, and some for each thread.
const FILES_BESIDES: u64 = 32;
const FILES_OF_A_THREAD: u64 = 8;

/// Carries out a plan.
pub(crate) fn run(plan: RunPlan, progress: &Progress) -> Result<Measurements, BenchError> {
    let threads = u64::from(plan.threads) + 1;
    files::allow(u64::from(plan.clients()) + u64::from(plan.rooms) + threads * FILES_OF_A_THREAD + FILES_BESIDES)?;
    let address = plan.target.resolve().map_err(|error| BenchError::Name(plan.target.to_string(), error))?;
    progress.begin("rooms", plan.rooms.into());
    let (mut owners, mut names) = (Vec::new(), Vec::new());
    for number in 0..plan.rooms {
        let (owner, name) = PublisherConnection::open(&plan, address, number)?;
        owners.push(owner);
        names.push(name);
        progress.reach(u64::from(number) + 1);
    }
    let shared = RunState::new(plan, RunClock::start(), names);
    let thread_list = ThreadList::default();
    scope(|scope| {
        let workers = Workers::start(scope, &shared, &thread_list, address, owners)
            .inspect_err(|_| shared.enter(RunPhase::End))?;
        let finished = run_phases(&shared, &workers, progress);
        let messages = shared.rooms.iter().map(|room| u64::from(room.sent())).sum();
        let expected = shared.expected();
        shared.enter(RunPhase::End);
        let (viewers, publishers) = workers.join()?;
        match finished {
            Ok((cost, measured)) => Ok(Measurements { cost, measured, messages, expected, viewers, publishers }),
            Err(Aborted::NoRelay) => Err(BenchError::NoRelay),
            // `join` returns the failure of a thread that ends early, so a thread without one has a fault.
            Err(Aborted::Early) => Err(BenchError::Thread),
        }
    })
}

/// Runs the phases up to the end of the measurement.
fn run_phases(
    shared: &RunState,
    workers: &Workers<'_>,
    progress: &Progress,
) -> Result<(Cost, (UsageSample, UsageSample)), Aborted> {
    let plan = &shared.plan;
    let cpu = || plan.pid.and_then(process::cpu);
    let rss = || plan.pid.and_then(process::rss);
    let mut cost = Cost { rss_before: rss(), ..Cost::default() };
    let mut before = cpu();
    let joined = || shared.joined.load(Ordering::Acquire);
    let join = |viewers: u32| {
        progress.begin("joins", viewers.into());
        workers.wait(LOOK, || {
            progress.reach(joined().into());
            joined() == viewers
        })
    };
    shared.enter(RunPhase::Join);
    join(plan.viewers)?;
    settle(plan.pid);
    let mut storm = None;
    if plan.joins.is_some() {
        before = cpu();
        let from = workers.sample();
        shared.enter(RunPhase::Storm);
        join(plan.clients())?;
        storm = Some((from, workers.sample()));
        settle(plan.pid);
    }
    cost.cpu = before.and_then(|before| Some(cpu()?.since(before)));
    cost.rss_joined = rss();
    let measured = match storm {
        Some(looks) => looks,
        None => measure(shared, workers, progress, &mut cost.rss_max)?,
    };
    cost.rss_end = rss();
    cost.rss_max = cost.rss_max.max(cost.rss_joined).max(cost.rss_end);
    Ok((cost, measured))
}

/// Sends and measures messages, and waits for those that are on their way.
fn measure(
    shared: &RunState,
    workers: &Workers<'_>,
    progress: &Progress,
    rss_max: &mut Option<u64>,
) -> Result<(UsageSample, UsageSample), Aborted> {
    let (plan, clock) = (&shared.plan, shared.clock);
    if plan.protocol == Protocol::Relay {
        let receivers: u32 = plan.receivers().iter().sum();
        let limit = Instant::now() + PROBE_LIMIT;
        shared.enter(RunPhase::Probe);
        let probed = || shared.probed.load(Ordering::Acquire) == receivers;
        workers.wait(LOOK, || probed() || Instant::now() > limit)?;
        if !probed() {
            return Err(Aborted::NoRelay);
        }
    }
    let start = clock.nanos();
    let measured_from = start + nanos(plan.warmup);
    let until = measured_from + nanos(plan.seconds);
    // Only this line sets it, once.
    let _ = shared.schedule.set(Schedule { start, measured_from, until });
    shared.enter(RunPhase::Send);
    progress.begin("seconds", (plan.warmup + plan.seconds).as_secs());
    let mut stall_timer = StallTimer::new();
    let mut wait_until = |time: u64| {
        let mut is_over = |time: u64| {
            let now = clock.nanos();
            progress.reach((now - start) / 1_000_000_000);
            let is_stuck = plan.interval_nanos().is_none() && stall_timer.is_over(shared.deliveries());
            now >= time || is_stuck
        };
        workers.wait(SELDOM, || {
            *rss_max = plan.pid.and_then(process::rss).max(*rss_max);
            is_over(time.saturating_sub(nanos(SELDOM)))
        })?;
        workers.wait(LOOK, || is_over(time))
    };
    wait_until(measured_from)?;
    let from = workers.sample();
    wait_until(until)?;
    let to = workers.sample();
    shared.enter(RunPhase::Drain);
    let mut stall_timer = StallTimer::new();
    workers.wait(LOOK, || {
        let (passed, deliveries, expected) = (shared.passed(), shared.deliveries(), shared.expected());
        let is_all = passed == expected && (plan.kind != Workload::Event || deliveries == expected);
        is_all || stall_timer.is_over(passed)
    })?;
    Ok((from, to))
}

/// Waits until the server is idle.
fn settle(pid: Option<u32>) {
    let cpu = || pid.and_then(process::cpu);
    let limit = Instant::now() + QUIET_LIMIT;
    let mut before = cpu();
    while let Some(time) = before.filter(|_| Instant::now() < limit) {
        sleep(QUIET_TIME);
        before = cpu();
        if before.is_none_or(|now| now.since(time).ran < nanos(QUIET)) {
            return;
        }
    }
}

/// The time since a number last changed, with a limit.
struct StallTimer {
    number: u64,
    since: Instant,
}

impl StallTimer {
    fn new() -> Self {
        Self { number: 0, since: Instant::now() }
    }

    fn is_over(&mut self, number: u64) -> bool {
        if number != self.number {
            *self = Self { number, since: Instant::now() };
        }
        self.since.elapsed() > STALL_MAX
    }
}
