//! One viewer over the lives of several servers: it comes back to each of them with its cursor. Must not know when one
//! ends.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::ServerLives;
use super::owner::Times;
use super::tally::{LivesTally, ViewerReturn};
use crate::chaos::model_feed::ModelFeed;
use crate::chaos::speaker::SharedRecord;
use crate::load::peer::{Peer, PeerError, V2};
use crate::model::fault::Fault;
use crate::model::{CursorClaim, Model};
use crate::random::Random;

/// One absence in so many is longer than necessary.
const ABSENCE_IN: u64 = 3;

/// The length of such an absence, in milliseconds.
const ABSENCE_MS: Range<u64> = 10..2_000;

/// When a viewer comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::chaos) enum Return {
    AtOnce,
    /// Often at once, now and then later, so that there is something to resume.
    AtRandom,
    /// When the server has advised it to.
    AsAdvised,
}

/// The parts that all viewers of a room share.
#[derive(Debug, Clone)]
pub(in crate::chaos) struct ViewerShared {
    pub(in crate::chaos) lives: ServerLives,
    pub(in crate::chaos) record: SharedRecord,
    pub(in crate::chaos) returns: Return,
    /// The time until a viewer whose connection was refused tries again, in milliseconds.
    pub(in crate::chaos) retry_ms: Range<u64>,
    /// When each message was published, if the ages of messages are measured.
    pub(in crate::chaos) times: Option<Times>,
    /// Whether all messages are published.
    pub(in crate::chaos) calm: watch::Receiver<bool>,
    /// Whether the run is over: a viewer without the room's end reports what it waits for.
    pub(in crate::chaos) over: watch::Receiver<bool>,
    /// The number of viewers that have joined once.
    pub(in crate::chaos) joined: Arc<AtomicU32>,
    /// The number of viewers that have come back once.
    pub(in crate::chaos) back: Arc<AtomicU32>,
    /// The number of viewers that have everything, after the last message.
    pub(in crate::chaos) caught_up: Arc<AtomicU32>,
}

/// A viewer and its random choices.
pub(in crate::chaos) struct Viewer {
    shared: ViewerShared,
    random: Random,
    pub(in crate::chaos) model: Model,
    pub(in crate::chaos) tally: LivesTally,
    /// The number of the connection.
    connection: u64,
    /// The number of servers so far when it was made.
    life: usize,
    /// Since when it has no connection, or not yet everything that it has missed.
    gone: Option<Instant>,
    has_joined: bool,
    is_caught_up: bool,
}

/// How a connection ended.
enum ConnectionEnd {
    /// The server has ended, with this advice if it gave any.
    Gone(Option<Duration>),
    /// The room has ended.
    Closed,
    /// In a way that is a fault, and noted.
    Odd,
}

impl Viewer {
    pub(in crate::chaos) fn new(shared: ViewerShared, random: Random, model: Model) -> Self {
        let (has_joined, is_caught_up) = (false, false);
        let tally = LivesTally::default();
        Self { shared, random, model, tally, connection: 0, life: 0, gone: None, has_joined, is_caught_up }
    }

    /// Joins after `delay` and stays until the room ends.
    pub(in crate::chaos) async fn run(mut self, delay: Duration) -> Self {
        sleep(delay).await;
        let mut over = self.shared.over.clone();
        loop {
            let end = tokio::select! {
                end = self.attend() => end,
                _ = over.wait_for(|over| *over) => {
                    self.is_late();
                    break;
                }
            };
            self.model.cut();
            self.gone.get_or_insert_with(Instant::now);
            match end {
                ConnectionEnd::Closed => break,
                ConnectionEnd::Gone(advice) => self.stay_away(advice).await,
                ConnectionEnd::Odd => {}
            }
        }
        self
    }

    async fn stay_away(&mut self, advice: Option<Duration>) {
        let time = match self.shared.returns {
            Return::AtOnce => Duration::ZERO,
            Return::AtRandom if self.random.one_in(ABSENCE_IN) => Duration::from_millis(self.random.within(ABSENCE_MS)),
            Return::AtRandom => Duration::ZERO,
            Return::AsAdvised => advice.unwrap_or_default(),
        };
        tokio::select! {
            () = sleep(time) => {}
            _ = self.shared.calm.wait_for(|calm| *calm) => {}
        }
    }

    /// Notes that the run is over, and this viewer has not got the room's end.
    fn is_late(&mut self) {
        let (position, last) = (self.model.position(), self.shared.record.read().last());
        let (connection, retries) = (self.connection, self.tally.retries);
        self.model.faults.note(Fault::Late, || {
            format!("at {position:?} of {last}, on its connection {connection}, after {retries} retries")
        });
    }

    /// Runs one connection from its beginning to its end.
    async fn attend(&mut self) -> ConnectionEnd {
        let mut peer = self.connect().await;
        let mut feed = ModelFeed::default();
        let end = self.listen(&mut peer, &mut feed).await;
        self.tally.resets += feed.resets;
        if let Some(outcome) = feed.joined {
            *self.tally.outcomes.entry(outcome).or_insert(0) += 1;
        }
        end
    }

    /// Connects and joins the room, as often as needed.
    async fn connect(&mut self) -> Peer {
        loop {
            self.connection += 1;
            self.life = self.shared.lives.count();
            let join =
                self.model.join(format!("join-{}", self.connection), CursorClaim::Honest, &self.shared.record.read());
            let opened = async {
                let mut peer = Peer::open_as(self.shared.lives.address(), V2).await?;
                peer.say(&join).await?;
                Ok::<_, PeerError>(peer)
            };
            match opened.await {
                Ok(peer) => return peer,
                Err(PeerError::Refused(line)) if !line.contains(" 503") => {
                    self.model.faults.note(Fault::OddEnd, || format!("the handshake was answered with {line}"));
                }
                Err(_) => self.tally.retries += 1,
            }
            sleep(Duration::from_millis(self.random.within(self.shared.retry_ms.clone()))).await;
        }
    }

    /// Reads until the server ends the connection.
    async fn listen(&mut self, peer: &mut Peer, feed: &mut ModelFeed) -> ConnectionEnd {
        let two_alive = Duration::from_millis(2 * self.shared.record.read().alive_ms);
        loop {
            let before = self.model.position().filter(|_| self.model.is_live());
            let heard = tokio::select! {
                heard = timeout(two_alive, feed.hear(peer, usize::MAX, &mut self.model, &self.shared.record)) => heard,
                _ = self.shared.calm.changed() => Ok(Ok(0)),
            };
            match heard {
                Ok(Ok(_)) => {}
                Ok(Err(PeerError::Io(_) | PeerError::Cut)) => {
                    self.tally.cut += 1;
                    return ConnectionEnd::Gone(None);
                }
                Ok(Err(error)) => return self.odd(&format!("a connection ended with {error}")),
                Err(_) => {
                    self.model.faults.note(Fault::NotAlive, || format!("nothing came for {two_alive:?}"));
                    return ConnectionEnd::Odd;
                }
            }
            self.measure(before);
            if let Some(end) = self.look(feed) {
                return end;
            }
        }
    }

    fn odd(&mut self, what: &str) -> ConnectionEnd {
        self.model.faults.note(Fault::OddEnd, || what.into());
        ConnectionEnd::Odd
    }

    /// Records the ages of the messages after `before`, which arrived live.
    fn measure(&mut self, before: Option<u64>) {
        let (Some(times), Some(before), Some(position)) = (&self.shared.times, before, self.model.position()) else {
            return;
        };
        for seq in before + 1..=position {
            self.tally.ages.extend(times.of(seq).map(|said| (seq, said.elapsed())));
        }
    }

    /// Acts on what was read.
    fn look(&mut self, feed: &mut ModelFeed) -> Option<ConnectionEnd> {
        if let Some(code) = feed.refused.take() {
            return Some(self.odd(&format!("the join was refused: {code}")));
        }
        if self.model.is_live() {
            self.is_live();
        }
        if let Some(code) = feed.code {
            return Some(match (code, feed.word.as_deref()) {
                (4503, Some("room_closed")) if self.is_caught_up => {
                    self.tally.done += 1;
                    ConnectionEnd::Closed
                }
                (1012, Some("restart")) if feed.advice.is_some() => {
                    self.tally.restarted += 1;
                    ConnectionEnd::Gone(feed.advice.map(Duration::from_millis))
                }
                (_, word) => {
                    let end = self.odd(&format!("the server closed with {word:?}, {code}"));
                    if code == 4503 { ConnectionEnd::Closed } else { end }
                }
            });
        }
        if feed.must_reconnect {
            self.model
                .faults
                .note(Fault::NotAlive, || "the `seq` of one alive was not reached before the next one".into());
            return Some(ConnectionEnd::Odd);
        }
        None
    }

    /// Records that it has everything from before its return.
    fn is_live(&mut self) {
        if !self.has_joined {
            self.has_joined = true;
            self.shared.joined.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(gone) = self.gone.take() {
            if self.tally.comebacks.is_empty() {
                self.shared.back.fetch_add(1, Ordering::Relaxed);
            }
            let life = Some(self.life).filter(|&life| life == self.shared.lives.count());
            self.tally.comebacks.push(ViewerReturn { life, gone, back: Instant::now() });
        }
        let is_at_end = self.model.position() == Some(self.shared.record.read().last());
        if !self.is_caught_up && is_at_end && *self.shared.calm.borrow() {
            self.is_caught_up = true;
            self.shared.caught_up.fetch_add(1, Ordering::Relaxed);
        }
    }
}
