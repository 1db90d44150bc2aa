//! One viewer that is cut again and again, comes back with its cursor, and stays once the storm is over.
//! Must not know the other viewers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::cut::{Cut, Life};
use crate::chaos::ears::Ears;
use crate::chaos::fault::Fault;
use crate::chaos::model::{Claim, Model, Outcome};
use crate::chaos::random::Random;
use crate::chaos::speaker::Shared;
use crate::load::peer::{Peer, PeerError, V2};

/// One cut in so many is followed by a long absence, after half of which the history does not reach back.
const LONG_ABSENCE_IN: u64 = 200;

/// How long it takes until a client that was refused at the door tries again, in milliseconds.
const RETRY_MS: std::ops::Range<u64> = 20..200;

/// How long a client that is to be cut inside of a frame waits for one.
const PART: Duration = Duration::from_secs(1);

/// What all viewers share.
#[derive(Debug, Clone)]
pub(super) struct House {
    pub(super) address: SocketAddr,
    pub(super) record: Shared,
    /// Whether the storm is over: no more cuts.
    pub(super) calm: watch::Receiver<bool>,
    /// How many viewers have joined once.
    pub(super) joined: Arc<AtomicU32>,
    /// How many viewers have everything, after the storm.
    pub(super) caught_up: Arc<AtomicU32>,
}

/// What one viewer did, or many together.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) cuts: BTreeMap<Cut, u64>,
    /// Cuts at which a part of a frame had come.
    pub(super) inside_a_frame: u64,
    pub(super) long_absences: u64,
    pub(super) outcomes: BTreeMap<Outcome, u64>,
    /// Cut before the join was answered.
    pub(super) unanswered: u64,
    /// Cut inside a replay.
    pub(super) inside_a_replay: u64,
    /// `reset` frames outside of joins.
    pub(super) resets: u64,
    /// Handshakes that the server or its system refused, tried again.
    pub(super) retries: u64,
    pub(super) ephemerals: u64,
    pub(super) texts: u64,
    /// Closed with `room_closed` behind the last message.
    pub(super) done: u64,
    /// Connections that the server did not end though the client had.
    pub(super) left_open: u64,
}

/// A viewer and its chance.
pub(super) struct Viewer {
    house: House,
    random: Random,
    pub(super) model: Model,
    pub(super) tally: Tally,
    /// Number of the connection.
    connection: u64,
    has_joined: bool,
    is_caught_up: bool,
    /// What goes on behind connections that were cut.
    rest: JoinSet<bool>,
}

/// How a connection ended.
enum End {
    /// By this viewer.
    Cut(Cut),
    /// The room has ended.
    Closed,
    /// Something else, which is a fault and noted.
    Odd,
}

impl Viewer {
    pub(super) fn new(house: House, random: Random) -> Self {
        let (model, tally, rest) = (Model::default(), Tally::default(), JoinSet::new());
        Self { house, random, model, tally, connection: 0, has_joined: false, is_caught_up: false, rest }
    }

    /// Comes after `delay` and lives until the room ends.
    pub(super) async fn run(mut self, delay: Duration) -> Self {
        sleep(delay).await;
        loop {
            while let Some(ended) = self.rest.try_join_next() {
                self.tally.left_open += u64::from(!ended.unwrap_or(false));
            }
            let mut peer = self.connect().await;
            let end = self.listen(&mut peer).await;
            self.tally.inside_a_replay += u64::from(self.model.is_in_replay());
            self.model.cut();
            match end {
                End::Closed => break,
                End::Odd => drop(peer),
                End::Cut(cut) => {
                    *self.tally.cuts.entry(cut).or_insert(0) += 1;
                    self.tally.inside_a_frame += u64::from(cut == Cut::MidFrame && peer.is_inside_a_frame());
                    cut.apply(peer, &mut self.random, &mut self.rest);
                    self.stay_away().await;
                }
            }
        }
        while let Some(ended) = self.rest.join_next().await {
            self.tally.left_open += u64::from(!ended.unwrap_or(false));
        }
        self
    }

    async fn stay_away(&mut self) {
        if self.random.one_in(LONG_ABSENCE_IN) {
            self.tally.long_absences += 1;
            let time = Duration::from_millis(self.random.within(10_000..30_000));
            tokio::select! {
                () = sleep(time) => {}
                _ = self.house.calm.changed() => {}
            }
        }
    }

    /// Connects and asks for the room, as often as needed.
    async fn connect(&mut self) -> Peer {
        loop {
            self.connection += 1;
            let join = self.model.join(format!("join-{}", self.connection), Claim::Honest, &self.house.record.read());
            let opened = async {
                let mut peer = Peer::open_as(self.house.address, V2).await?;
                peer.say(&join).await?;
                Ok::<_, PeerError>(peer)
            };
            match opened.await {
                Ok(peer) => return peer,
                Err(PeerError::Refused(line)) if !(line.contains(" 429") || line.contains(" 503")) => {
                    self.model.faults.note(Fault::OddEnd, || format!("the handshake was answered with {line}"));
                }
                Err(_) => self.tally.retries += 1,
            }
            sleep(Duration::from_millis(self.random.within(RETRY_MS))).await;
        }
    }

    /// Hears until this viewer cuts or the server ends the connection.
    async fn listen(&mut self, peer: &mut Peer) -> End {
        let (cut, life) = Cut::choose(&mut self.random);
        let mut life = if *self.house.calm.borrow() { None } else { Some(life) };
        let begun = Instant::now();
        let two_alive = Duration::from_millis(2 * self.house.record.read().alive_ms);
        let mut silent_at = begun + two_alive;
        let mut ears = Ears::default();
        let end = loop {
            let (end, bytes_max) = match life {
                None => (silent_at, usize::MAX),
                Some(Life::Time(time)) => (begun + time, usize::MAX),
                Some(Life::Bytes(bytes)) => (silent_at, bytes),
            };
            let texts = ears.texts;
            let heard = tokio::select! {
                heard = timeout_at(end.min(silent_at), peer.readable()) => heard,
                _ = self.house.calm.changed() => {
                    life = None;
                    self.look(&mut ears);
                    continue;
                }
            };
            match (heard, life) {
                (Err(_), Some(Life::Time(time))) if Instant::now() >= begun + time => {
                    if cut == Cut::MidFrame {
                        self.part(peer, &mut ears).await;
                    }
                    break End::Cut(cut);
                }
                (Err(_), _) => {
                    self.model.faults.note(Fault::NotAlive, || format!("nothing came for {two_alive:?}"));
                    break End::Odd;
                }
                (Ok(_), _) => {}
            }
            let read = match ears.hear(peer, bytes_max, &mut self.model, &self.house.record).await {
                Ok(read) => read,
                Err(error) => {
                    self.model.faults.note(Fault::OddEnd, || error.to_string());
                    break End::Odd;
                }
            };
            if ears.texts > texts {
                silent_at = Instant::now() + two_alive;
            }
            if let Some(end) = self.look(&mut ears) {
                break end;
            }
            if let Some(Life::Bytes(left)) = &mut life {
                *left = left.saturating_sub(read);
                if *left == 0 {
                    break End::Cut(Cut::MidFrame);
                }
            }
        };
        self.tally.texts += ears.texts;
        self.tally.ephemerals += ears.ephemerals;
        self.tally.resets += ears.resets;
        if let Some(outcome) = ears.joined {
            *self.tally.outcomes.entry(outcome).or_insert(0) += 1;
        } else {
            self.tally.unanswered += 1;
        }
        end
    }

    /// What follows from what was heard.
    fn look(&mut self, ears: &mut Ears) -> Option<End> {
        if let Some(code) = ears.refused.take() {
            self.model.faults.note(Fault::OddEnd, || format!("the join was refused: {code}"));
            return Some(End::Odd);
        }
        if let Some(code) = ears.code {
            if (code, ears.word.as_deref()) == (4503, Some("room_closed")) && self.is_caught_up {
                self.tally.done += 1;
                return Some(End::Closed);
            }
            let word = ears.word.take();
            self.model.faults.note(Fault::OddEnd, || format!("the server closed with {word:?}, {code}"));
            return Some(if code == 4503 { End::Closed } else { End::Odd });
        }
        if ears.must_reconnect {
            return Some(End::Odd);
        }
        if self.model.is_live() {
            if !self.has_joined {
                self.has_joined = true;
                self.house.joined.fetch_add(1, Ordering::Relaxed);
            }
            if !self.is_caught_up
                && *self.house.calm.borrow()
                && self.model.position() == Some(self.house.record.read().last())
            {
                self.is_caught_up = true;
                self.house.caught_up.fetch_add(1, Ordering::Relaxed);
            }
        }
        None
    }

    /// Reads a part of a frame: a little of what waits or comes next, and more until it is no whole number of frames.
    async fn part(&mut self, peer: &mut Peer, ears: &mut Ears) {
        let end = Instant::now() + PART;
        while !peer.is_inside_a_frame() && ears.code.is_none() {
            let bytes_max = self.random.index(40) + 1;
            match timeout_at(end, peer.readable()).await {
                Ok(Ok(())) => {}
                _ => return,
            }
            if ears.hear(peer, bytes_max, &mut self.model, &self.house.record).await.is_err() {
                return;
            }
        }
    }
}
