//! Carries out a run: opens rooms, lets viewers join, warms up, measures, and waits for the last messages. Must not
//! know sockets.

use std::sync::atomic::Ordering;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use crate::crew::{Crew, Ended, Roll};
use crate::failure::Failure;
use crate::figures::{Cost, Look, Seen};
use crate::files;
use crate::owner::Owner;
use crate::plan::{Kind, Plan, Protocol};
use crate::process;
use crate::progress::Progress;
use crate::room::{Clock, Phase, Schedule, Shared, nanos};

/// How often a condition is checked.
const LOOK: Duration = Duration::from_millis(1);

/// How often a condition is checked while messages are sent: each check costs CPU time that the viewers need.
const SELDOM: Duration = Duration::from_millis(50);

/// How long messages may be on their way while none of them arrives.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a relay may take until a probe has reached all viewers.
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
pub(crate) fn run(plan: Plan, progress: &Progress) -> Result<Seen, Failure> {
    let threads = u64::from(plan.threads) + 1;
    files::allow(u64::from(plan.clients()) + u64::from(plan.rooms) + threads * FILES_OF_A_THREAD + FILES_BESIDES)?;
    let address = plan.target.resolve().map_err(|error| Failure::Name(plan.target.to_string(), error))?;
    progress.begin("rooms", plan.rooms.into());
    let (mut owners, mut names) = (Vec::new(), Vec::new());
    for number in 0..plan.rooms {
        let (owner, name) = Owner::open(&plan, address, number)?;
        owners.push(owner);
        names.push(name);
        progress.reach(u64::from(number) + 1);
    }
    let shared = Shared::new(plan, Clock::start(), names);
    let roll = Roll::default();
    scope(|scope| {
        let crew = Crew::start(scope, &shared, &roll, address, owners).inspect_err(|_| shared.enter(Phase::End))?;
        let conducted = conduct(&shared, &crew, progress);
        let messages = shared.rooms.iter().map(|room| u64::from(room.said())).sum();
        let expected = shared.expected();
        shared.enter(Phase::End);
        let (heard, said) = crew.join()?;
        match conducted {
            Ok((cost, measured)) => Ok(Seen { cost, measured, messages, expected, heard, said }),
            Err(Ended::NoRelay) => Err(Failure::NoRelay),
            // Unreachable otherwise: a thread that ends early returns its own failure.
            Err(Ended::Early) => Err(Failure::Thread),
        }
    })
}

/// Runs the phases up to the end of the measurement.
fn conduct(shared: &Shared, crew: &Crew<'_>, progress: &Progress) -> Result<(Cost, (Look, Look)), Ended> {
    let plan = &shared.plan;
    let cpu = || plan.pid.and_then(process::cpu);
    let rss = || plan.pid.and_then(process::rss);
    let mut cost = Cost { rss_before: rss(), ..Cost::default() };
    let mut before = cpu();
    let joined = || shared.joined.load(Ordering::Acquire);
    let join = |viewers: u32| {
        progress.begin("joins", viewers.into());
        crew.wait(LOOK, || {
            progress.reach(joined().into());
            joined() == viewers
        })
    };
    shared.enter(Phase::Join);
    join(plan.viewers)?;
    settle(plan.pid);
    let mut storm = None;
    if plan.joins.is_some() {
        before = cpu();
        let from = crew.look();
        shared.enter(Phase::Storm);
        join(plan.clients())?;
        storm = Some((from, crew.look()));
        settle(plan.pid);
    }
    cost.cpu = before.and_then(|before| Some(cpu()?.since(before)));
    cost.rss_joined = rss();
    let measured = match storm {
        Some(looks) => looks,
        None => speak(shared, crew, progress, &mut cost.rss_max)?,
    };
    cost.rss_end = rss();
    cost.rss_max = cost.rss_max.max(cost.rss_joined).max(cost.rss_end);
    Ok((cost, measured))
}

/// Sends and measures messages, and waits for those that are on their way.
fn speak(
    shared: &Shared,
    crew: &Crew<'_>,
    progress: &Progress,
    rss_max: &mut Option<u64>,
) -> Result<(Look, Look), Ended> {
    let (plan, clock) = (&shared.plan, shared.clock);
    if plan.protocol == Protocol::Relay {
        let receivers: u32 = plan.receivers().iter().sum();
        let limit = Instant::now() + PROBE_LIMIT;
        shared.enter(Phase::Probe);
        let heard = || shared.probed.load(Ordering::Acquire) == receivers;
        crew.wait(LOOK, || heard() || Instant::now() > limit)?;
        if !heard() {
            return Err(Ended::NoRelay);
        }
    }
    let start = clock.nanos();
    let measured_from = start + nanos(plan.warmup);
    let until = measured_from + nanos(plan.seconds);
    // Only this line sets it, once.
    let _ = shared.schedule.set(Schedule { start, measured_from, until });
    shared.enter(Phase::Speak);
    progress.begin("seconds", (plan.warmup + plan.seconds).as_secs());
    let mut patience = Patience::new();
    let mut wait_until = |time: u64| {
        let mut is_over = |time: u64| {
            let now = clock.nanos();
            progress.reach((now - start) / 1_000_000_000);
            let is_stuck = plan.interval_nanos().is_none() && patience.is_over(shared.deliveries());
            now >= time || is_stuck
        };
        crew.wait(SELDOM, || {
            *rss_max = plan.pid.and_then(process::rss).max(*rss_max);
            is_over(time.saturating_sub(nanos(SELDOM)))
        })?;
        crew.wait(LOOK, || is_over(time))
    };
    wait_until(measured_from)?;
    let from = crew.look();
    wait_until(until)?;
    let to = crew.look();
    shared.enter(Phase::Drain);
    let mut patience = Patience::new();
    crew.wait(LOOK, || {
        let (passed, deliveries, expected) = (shared.passed(), shared.deliveries(), shared.expected());
        let is_all = passed == expected && (plan.kind != Kind::Event || deliveries == expected);
        is_all || patience.is_over(passed)
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
struct Patience {
    number: u64,
    since: Instant,
}

impl Patience {
    fn new() -> Self {
        Self { number: 0, since: Instant::now() }
    }

    fn is_over(&mut self, number: u64) -> bool {
        if number != self.number {
            *self = Self { number, since: Instant::now() };
        }
        self.since.elapsed() > PATIENCE
    }
}
