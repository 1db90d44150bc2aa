//! One client behind a relay that goes dark, and another one beside it. Must not know what is good.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};

use super::log::{BEHIND, OTHER, TrialLog};
use crate::chaos::clients::{Client, ClientKind, ClientStatus, Event, events, now};
use crate::chaos::relay::{Dark, PathFault, Relay};
use crate::steps::Failure;

/// The time between two messages of a publishing owner.
const BEAT: Duration = Duration::from_secs(1);

/// The most time until both are in, and, once the client is back, until everything has arrived.
const SOON: Duration = Duration::from_secs(40);

/// The most time until the client is back.
const BACK: Duration = Duration::from_secs(150);

/// The number of messages published once the client is back, or its room has ended.
const LAST: u64 = 3;

/// The role of the client behind the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// It owns the room and publishes each second.
    Owner,
    /// It owns the room and publishes nothing while its path is dark.
    SilentOwner,
    /// It watches a room whose owner publishes each second.
    Viewer,
}

impl Role {
    pub(super) const ALL: [Self; 3] = [Self::Owner, Self::SilentOwner, Self::Viewer];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::SilentOwner => "silent owner",
            Self::Viewer => "viewer",
        }
    }
}

/// The parameters of a trial.
#[derive(Debug, Clone, Copy)]
pub(super) struct DarkTrial {
    pub(super) kind: ClientKind,
    pub(super) role: Role,
    pub(super) dark: Dark,
    /// The time from when both are in until the path goes dark.
    pub(super) after: Duration,
}

/// The outcome of a trial. Times count from the moment when the path went dark.
#[derive(Debug)]
pub(super) struct TrialOutcome {
    pub(super) trial: DarkTrial,
    pub(super) noticed: Option<Duration>,
    pub(super) back: Option<Duration>,
    /// When the other client reported that the room has ended, and why.
    pub(super) over: Option<(Duration, String)>,
    /// When the client behind the relay gave up for good, and why.
    pub(super) ended: Option<(Duration, String)>,
    pub(super) published: u64,
    pub(super) acked: usize,
    /// The number of messages that failed, and were reported to their program.
    pub(super) failed: usize,
    /// The number of messages neither acknowledged nor failed.
    pub(super) unsettled: usize,
    pub(super) lost: usize,
    pub(super) repeated: u64,
    pub(super) resets: u32,
}

/// Both clients.
struct DarkClients {
    owner: Client,
    received: mpsc::Receiver<Event>,
    log: TrialLog,
    beat: Interval,
    published: u64,
    is_speaking: bool,
}

impl DarkTrial {
    pub(super) async fn play(self, server: SocketAddr, program: PathBuf) -> Result<TrialOutcome, Failure> {
        let Self { kind, role, dark, after } = self;
        let relay = Relay::open(server).await?;
        let direct = format!("ws://{server}/broadcasting");
        let (told, received) = events();
        let owner = if role == Role::Viewer {
            Client::host(ClientKind::Library, &program, OTHER, &direct, &told).await?
        } else {
            Client::host(kind, &program, BEHIND, relay.url(), &told).await?
        };
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stage =
            DarkClients { owner, received, log: TrialLog::default(), beat, published: 0, is_speaking: false };
        stage.must(|log| log.room.is_some(), "the owner has no room").await?;
        let room = stage.log.room.clone().unwrap_or_default();
        let _viewer = if role == Role::Viewer {
            Client::watch(kind, &program, BEHIND, relay.url(), &room, &told).await?
        } else {
            Client::watch(ClientKind::Library, &program, OTHER, &direct, &room, &told).await?
        };
        let is_in = |log: &TrialLog, client| log.standing(client).is_some_and(ClientStatus::is_inside);
        stage.must(|log| is_in(log, BEHIND) && is_in(log, OTHER), "a client does not come in").await?;
        stage.is_speaking = true;
        stage.until(after, |_| false).await?;
        // Messages on their way arrive: a silent owner's path goes dark when there are none.
        stage.is_speaking = role != Role::SilentOwner;
        let published = stage.published;
        if role == Role::SilentOwner {
            stage.must(|log| log.is_settled(published), "a message did not arrive before the dark").await?;
        }
        relay.cut(PathFault::Dark(dark), None);
        let at = now();
        stage.until(BACK, |log| log.back(at).is_some() || log.over(BEHIND, at).is_some()).await?;
        stage.is_speaking = true;
        let last = stage.published + LAST;
        stage.until(BEAT * u32::try_from(LAST + 1).unwrap_or(u32::MAX), |_| false).await?;
        stage.is_speaking = false;
        let published = stage.published.max(last);
        if stage.log.over(BEHIND, at).is_none() {
            stage.until(SOON, |log| log.is_settled(published)).await?;
        }
        Ok(stage.past(self, at))
    }
}

impl DarkClients {
    /// Takes events, and publishes if the owner publishes, until `is_so` or the end of `limit`. Returns whether
    /// `is_so`.
    async fn until(&mut self, limit: Duration, is_so: impl Fn(&TrialLog) -> bool) -> Result<bool, Failure> {
        let deadline = Instant::now() + limit;
        while !is_so(&self.log) {
            tokio::select! {
                Some(event) = self.received.recv() => self.log.take(event),
                _ = self.beat.tick(), if self.is_speaking => {
                    self.published += 1;
                    // An owner that has ended takes none, and its messages are unsettled.
                    if self.owner.publish(self.published, 0).await.is_err() {
                        self.is_speaking = false;
                    }
                }
                () = sleep_until(deadline.into()) => return Ok(false),
            }
        }
        Ok(true)
    }

    async fn must(&mut self, is_so: impl Fn(&TrialLog) -> bool, otherwise: &str) -> Result<(), Failure> {
        match self.until(SOON, is_so).await? {
            true => Ok(()),
            false => Err(Failure::new(format!("{otherwise}: {:?}", self.log))),
        }
    }

    fn past(&self, trial: DarkTrial, dark: u64) -> TrialOutcome {
        let since = |at: u64| Duration::from_micros(at.saturating_sub(dark));
        let over = |client| self.log.over(client, dark).map(|(at, why)| (since(at), why));
        let (acked, failed) = self.log.settled();
        TrialOutcome {
            trial,
            noticed: self.log.noticed(dark).map(since),
            back: self.log.back(dark).map(since),
            over: over(OTHER),
            ended: over(BEHIND),
            published: self.published,
            acked,
            failed,
            unsettled: self.log.unsettled(self.published),
            lost: self.log.lost(),
            repeated: self.log.repeated(),
            resets: self.log.resets,
        }
    }
}
