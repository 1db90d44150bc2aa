//! The hidden command: keeps viewers and the relay before them, as standard input orders it. Must not know why.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep_until, timeout};

use super::account::{Account, Sums};
use super::{Breed, HerdOrder, HerdReady, HerdTask, PATIENCE};
use crate::chaos::clients::{Event, Library, Sdk, events, now};
use crate::chaos::relay::{Dark, PathEntry, PathFault, Relay, RelayOptions};
use crate::load::process;
use crate::random::Random;
use crate::steps::Failure;

/// The name of the relay's thread, by which its CPU time is found.
const RELAY: &str = "relay";

/// The number of viewers that join at a time.
const AT_ONCE: u32 = 64;

/// The most orders that wait.
const LINES_MAX: usize = 64;

/// The least time for which a path is open before it is closed again, in milliseconds.
const APART_MS: u64 = 1_000;

/// The time between two looks whether all is done.
const LOOK: Duration = Duration::from_millis(100);

/// The viewers, by their program.
enum Viewers {
    Remote(Library),
    Sdk(Box<Sdk>),
}

/// One cut of a viewer, or the end of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct PlannedCut {
    /// From the beginning.
    at: Duration,
    viewer: u32,
    what: CutAct,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum CutAct {
    Finish,
    Reset,
    Open,
}

/// The parts of one herd.
struct HerdKeeper {
    task: HerdTask,
    relay: Relay,
    viewers: Viewers,
    received: mpsc::Receiver<Event>,
    account: Account,
    /// The cuts to come, in the order of their time, and when their time begins.
    turns: VecDeque<PlannedCut>,
    begun: Instant,
}

/// Keeps a herd until it has reported.
pub(crate) fn be_a_herd() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("the runtime does not start: {error}")))?;
    runtime.block_on(async {
        let mut lines = lines();
        let task: HerdTask = next(&mut lines).await?;
        let keeper = HerdKeeper::open(task).await?;
        print_line(&HerdReady { inside: keeper.account.inside() })?;
        keeper.keep(&mut lines).await
    })
}

/// Returns the lines of standard input. They end when the parent process has ended.
fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(LINES_MAX);
    std::thread::spawn(move || {
        std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| sender.blocking_send(line))
    });
    lines
}

/// Returns the next line.
async fn next<T: for<'a> serde::Deserialize<'a>>(lines: &mut mpsc::Receiver<String>) -> Result<T, Failure> {
    let line = lines.recv().await.ok_or_else(|| Failure::new("the parent process has ended"))?;
    serde_json::from_str(&line).map_err(|error| Failure::new(format!("{error}: {line}")))
}

/// Opens the relay on a thread of its own, which ends with the process.
async fn relay(task: &HerdTask) -> Result<Relay, Failure> {
    let (opened, relay) = oneshot::channel();
    let (server, shape) =
        (task.server, RelayOptions { paths: task.viewers, sources: task.sources, bytes_per_second: None });
    let thread = std::thread::Builder::new().name(RELAY.into()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let _ = opened.send(Relay::open_as(server, shape).await);
            std::future::pending::<std::io::Result<()>>().await
        })
    });
    thread.map_err(|error| Failure::new(format!("no thread for the relay: {error}")))?;
    relay.await.map_err(|_| Failure::new("the relay does not start"))?
}

impl HerdKeeper {
    /// Opens the relay, and lets all viewers join.
    async fn open(task: HerdTask) -> Result<Self, Failure> {
        let relay = relay(&task).await?;
        let (told, mut received) = events();
        let mut viewers = match task.breed {
            Breed::Remote => Viewers::Remote(Library::default()),
            Breed::Sdk => Viewers::Sdk(Box::new(Sdk::start(&told)?)),
        };
        let mut account = Account::new(task.viewers);
        for first in (0..task.viewers).step_by(AT_ONCE as usize) {
            let last = (first + AT_ONCE).min(task.viewers);
            for viewer in first..last {
                let url = relay.url_of(viewer);
                match &mut viewers {
                    Viewers::Remote(library) => library.watch(viewer, &url, &task.room, &told)?,
                    Viewers::Sdk(sdk) => sdk.watch(viewer, &url, &task.room).await?,
                }
            }
            let joined = async {
                while account.inside() < last {
                    let Some(event) = received.recv().await else { break };
                    account.take(&event);
                }
            };
            let joined = timeout(PATIENCE, joined).await;
            joined.map_err(|_| Failure::new(format!("viewers {first} to {last} are not in")))?;
        }
        let (turns, begun) = (VecDeque::new(), Instant::now());
        Ok(Self { task, relay, viewers, received, account, turns, begun })
    }

    /// Carries out orders until the report is printed.
    async fn keep(mut self, lines: &mut mpsc::Receiver<String>) -> Result<(), Failure> {
        loop {
            let next_turn = self.turns.front().map(|turn| self.begun + turn.at);
            tokio::select! {
                Some(event) = self.received.recv() => self.account.take(&event),
                () = sleep_until(next_turn.unwrap_or(self.begun).into()), if next_turn.is_some() => self.turn(),
                order = next::<HerdOrder>(lines) => match order? {
                    HerdOrder::Report { last, patience_ms } => {
                        self.finish(last, Duration::from_millis(patience_ms)).await;
                        return print_line(&self.sums(last)?);
                    }
                    order => self.obey(order),
                },
            }
        }
    }

    fn obey(&mut self, order: HerdOrder) {
        match order {
            HerdOrder::Blink { every_ms, off_ms, times } => {
                self.begun = Instant::now();
                self.turns = turns(&self.task, every_ms, off_ms, times).into();
            }
            HerdOrder::Reset => {
                self.close_all(PathEntry::Open, PathFault::Reset);
                self.open_all();
            }
            HerdOrder::Unavailable => self.close_all(PathEntry::Unavailable, PathFault::Reset),
            HerdOrder::Dark => self.close_all(PathEntry::Held, PathFault::Dark(Dark::Both)),
            HerdOrder::Open => {
                self.open_all();
                self.relay.enter(PathEntry::Open, None);
            }
            HerdOrder::Report { .. } => {}
        }
    }

    fn close_all(&mut self, entry: PathEntry, cut: PathFault) {
        let now = now();
        (0..self.task.viewers).for_each(|viewer| self.account.closed(viewer, now));
        self.relay.enter(entry, None);
        self.relay.cut(cut, None);
    }

    fn open_all(&mut self) {
        let now = now();
        (0..self.task.viewers).for_each(|viewer| self.account.opened(viewer, now));
    }

    /// Makes all cuts that are due.
    fn turn(&mut self) {
        while self.turns.front().is_some_and(|turn| self.begun.elapsed() >= turn.at) {
            let Some(PlannedCut { viewer, what, .. }) = self.turns.pop_front() else { return };
            let cut = match what {
                CutAct::Finish => PathFault::Finish,
                CutAct::Reset => PathFault::Reset,
                CutAct::Open => {
                    self.account.opened(viewer, now());
                    self.relay.enter(PathEntry::Open, Some(viewer));
                    continue;
                }
            };
            self.account.closed(viewer, now());
            self.relay.enter(PathEntry::Reset, Some(viewer));
            self.relay.cut_path(viewer, cut);
        }
    }

    /// Waits until all have received everything.
    async fn finish(&mut self, last: u64, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut looked = Instant::now();
        let mut is_done = self.account.is_done(last);
        while !is_done && Instant::now() < deadline {
            let next_turn = self.turns.front().map(|turn| self.begun + turn.at);
            tokio::select! {
                Some(event) = self.received.recv() => self.account.take(&event),
                () = sleep_until(next_turn.unwrap_or(self.begun).into()), if next_turn.is_some() => self.turn(),
                () = sleep_until((looked + LOOK).into()) => {}
            }
            if looked.elapsed() >= LOOK {
                is_done = self.account.is_done(last);
                looked = Instant::now();
            }
        }
    }

    fn sums(self, last: u64) -> Result<Sums, Failure> {
        let (wall, instant) = (now(), Instant::now());
        let micros = |at: Instant| wall.saturating_sub(u64::try_from((instant - at).as_micros()).unwrap_or(u64::MAX));
        let relay = &self.relay;
        let mut sums = self.account.sums(last, |viewer| relay.attempts(viewer).into_iter().map(micros).collect());
        let pid = std::process::id();
        let threads = process::threads(pid)?;
        let relays = threads.iter().filter(|thread| thread.name == RELAY).map(|thread| thread.ran).sum::<Duration>();
        let mut own = process::cpu(pid)?.saturating_sub(relays);
        if let Viewers::Sdk(sdk) = &self.viewers
            && let Some(node) = sdk.process()
        {
            own = process::cpu(node)?;
        }
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        (sums.cpu_ms, sums.relay_cpu_ms) = (millis(own), millis(relays));
        Ok(sums)
    }
}

/// Returns all cuts of a herd: each viewer once in `every_ms`, and its path opens `off_ms` later.
fn turns(task: &HerdTask, every_ms: u64, off_ms: u64, times: u32) -> Vec<PlannedCut> {
    let mut turns = Vec::new();
    for viewer in 0..task.viewers {
        let mut random = Random::new(task.seed, viewer.into());
        for time in 0..u64::from(times) {
            // Two outages with less than this between them are one that is twice as long.
            let off = time * every_ms + random.within(0..every_ms.saturating_sub(off_ms + APART_MS).max(1));
            let what = if random.one_in(2) { CutAct::Reset } else { CutAct::Finish };
            turns.push(PlannedCut { at: Duration::from_millis(off), viewer, what });
            turns.push(PlannedCut { at: Duration::from_millis(off + off_ms), viewer, what: CutAct::Open });
        }
    }
    turns.sort_unstable();
    turns
}

/// Prints one line for the parent process.
fn print_line(value: &impl serde::Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(value).map_err(|error| Failure::new(error.to_string()))?;
    println!("{line}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_viewer_is_cut_once_in_each_time_half_in_each_way() {
        let server = ([127, 0, 0, 1], 1).into();
        let task = HerdTask { server, room: String::new(), breed: Breed::Remote, seed: 7, viewers: 500, sources: 1 };
        let turns = turns(&task, 15_000, 2_000, 4);
        let count = |act| turns.iter().filter(|turn| turn.what == act).count();
        assert_eq!((turns.len(), count(CutAct::Open)), (4_000, 2_000));
        assert!((900..1_100).contains(&count(CutAct::Reset)), "{}", count(CutAct::Reset));
        assert!(turns.is_sorted() && turns.last().unwrap().at <= Duration::from_secs(60));
        let mut one = turns.iter().filter(|turn| turn.viewer == 3).map(|turn| turn.at);
        while let (Some(off), Some(on)) = (one.next(), one.next()) {
            assert_eq!(on - off, Duration::from_secs(2));
            assert!(on.as_millis() % 15_000 <= 14_000, "{on:?}");
        }
    }
}
