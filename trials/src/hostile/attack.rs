//! The attacks, each bounded in number and time. Must not know the other clients of the server.

mod browsers;
mod changing;
mod codes;
mod creates;
mod frames;
mod handshakes;
mod keys;
mod pings;
mod refused;
mod signals;
mod silent;
mod slow;
mod trickle;
mod unanswered;
mod unread;
mod voters;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::ValueEnum;
use tokio::task::JoinSet;

use super::FULL_FROM;
use super::memory::ServerLoad;
use crate::random::Random;
use crate::steps::Failure;

/// The attacks on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Attack {
    /// A million frames, mutated from right ones
    Frames,
    /// A hundred thousand requests, mutated from right ones
    Handshakes,
    /// Five thousand requests from eight addresses that never end
    Slow,
    /// Twenty thousand rooms created from eight addresses
    Creates,
    /// Five thousand connections that ping as fast as they can
    Pings,
    /// A thousand joins of a room with a big state that changes, by clients that read nothing
    Unread,
    /// A million signals to three owners, one of which reads nothing, and some of their senders read nothing either
    Signals,
    /// Fifty thousand viewers from two hundred addresses that vote for five keys each, leave, and some come back by
    /// their key
    Voters,
    /// Five thousand connections from one address that send nothing, opened again when they are closed
    Silent,
    /// Connections that ask for a file again and again and read no answer
    Unanswered,
    /// QR codes, each of another link, beside a room whose acknowledgements are timed
    Codes,
    /// Two thousand connections that send only requests that are refused or change nothing
    Refused,
    /// Forty rooms whose keys are control characters, and joins of them
    Keys,
    /// Seven hundred joins from one address that read less than the least pace
    Trickle,
    /// No attack: three hundred browsers behind one address
    Browsers,
}

/// The parameters of an attack.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) address: SocketAddr,
    /// The witnesses' room.
    pub(super) room: String,
    pub(super) seed: u64,
    pub(super) scale: f64,
    /// The server's stall limit.
    pub(super) stall: Duration,
    /// The most connections of plain HTTP from one address.
    pub(super) plain_max: u64,
}

/// The outcome of an attack.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) count: u64,
    /// The server's answers, and how often each came.
    pub(super) answers: BTreeMap<String, u64>,
    /// The events that should not have happened.
    pub(super) faults: Vec<String>,
    /// The most that it had the server hold at the same time.
    pub(super) load: ServerLoad,
}

impl Attack {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Self::value_variants().iter().copied()
    }

    pub(super) async fn make(self, plan: Plan) -> Result<Made, Failure> {
        match self {
            Self::Frames => frames::make(plan).await,
            Self::Handshakes => handshakes::make(plan).await,
            Self::Slow => slow::make(plan).await,
            Self::Creates => creates::make(plan).await,
            Self::Pings => pings::make(plan).await,
            Self::Unread => unread::make(plan).await,
            Self::Signals => signals::make(plan).await,
            Self::Voters => voters::make(plan).await,
            Self::Silent => silent::make(plan).await,
            Self::Unanswered => unanswered::make(plan).await,
            Self::Codes => codes::make(plan).await,
            Self::Refused => refused::make(plan).await,
            Self::Keys => keys::make(plan).await,
            Self::Trickle => trickle::make(plan).await,
            Self::Browsers => browsers::make(plan).await,
        }
    }
}

impl Plan {
    /// Returns the scaled number of `full` at full scale.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share")]
    fn share(&self, full: u64) -> u64 {
        ((full as f64 * self.scale) as u64).max(1)
    }

    /// Returns `full` in an attack of full length, and `short` in a short one.
    fn either<T>(&self, full: T, short: T) -> T {
        if self.scale < FULL_FROM { short } else { full }
    }
}

impl Made {
    /// Adds the outcome of one part of an attack.
    fn add(&mut self, part: Self) {
        self.count += part.count;
        for (answer, count) in part.answers {
            *self.answers.entry(answer).or_insert(0) += count;
        }
        self.faults.extend(part.faults);
    }

    fn answer(&mut self, answer: impl Into<String>) {
        *self.answers.entry(answer.into()).or_insert(0) += 1;
    }

    fn times(&self, answer: &str) -> u64 {
        self.answers.get(answer).copied().unwrap_or(0)
    }
}

/// Lets `at_once` tasks work until they have done `count` things together. A piece of work gets its number and the
/// random stream of its task, and returns its outcome.
async fn crowd<W, F>(plan: &Plan, at_once: u64, count: u64, work: W) -> Result<Made, Failure>
where
    W: Fn(u64, Random) -> F + Clone + Send + 'static,
    F: Future<Output = (Made, Random)> + Send,
{
    let (done, numbers) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for task in 0..at_once {
        let (done, numbers, work) = (Arc::clone(&done), Arc::clone(&numbers), work.clone());
        let mut random = Random::new(plan.seed, task);
        tasks.spawn(async move {
            let mut all = Made::default();
            while done.load(Ordering::Relaxed) < count {
                let (part, after) = work(numbers.fetch_add(1, Ordering::Relaxed), random).await;
                random = after;
                // A fault counts too, so that a server that has ended ends the attack.
                done.fetch_add(part.count.max(part.faults.len() as u64), Ordering::Relaxed);
                all.add(part);
            }
            all
        });
    }
    let mut all = Made::default();
    while let Some(part) = tasks.join_next().await {
        all.add(part.map_err(|error| Failure::new(format!("an attacker: {error}")))?);
    }
    Ok(all)
}
