//! One viewer that is cut again and again, comes back with its cursor, and stays once the storm is over.
//! Must not know the other viewers.

mod absence;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::cut::{ConnectionState, CutWay, Lifetime};
use super::tally::CutsTally;
use crate::chaos::model_feed::ModelFeed;
use crate::chaos::speaker::SharedRecord;
use crate::load::peer::Peer;
use crate::model::Model;
use crate::model::fault::Fault;
use crate::random::Random;

/// How long a client that lags reads nothing, in milliseconds; beyond the stall limit its server closes it as slow.
const LAG_MS: std::ops::Range<u64> = 500..12_000;

/// How long a client that is to be cut inside of a frame waits for one.
const PART: Duration = Duration::from_secs(1);

/// The parts that all viewers share.
#[derive(Debug, Clone)]
pub(super) struct ViewerShared {
    pub(super) address: SocketAddr,
    /// Whether the viewers also read late, on connections that hold few bytes.
    pub(super) lags: bool,
    pub(super) record: SharedRecord,
    /// Whether the storm is over: no more cuts.
    pub(super) calm: watch::Receiver<bool>,
    /// Whether the run is over: a viewer without the room's end reports what it waits for.
    pub(super) over: watch::Receiver<bool>,
    /// The number of viewers that have joined once.
    pub(super) joined: Arc<AtomicU32>,
    /// The number of viewers that have everything, after the storm.
    pub(super) caught_up: Arc<AtomicU32>,
}

/// A viewer and its random choices.
pub(super) struct Viewer {
    shared: ViewerShared,
    random: Random,
    pub(super) model: Model,
    pub(super) tally: CutsTally,
    /// The number of the connection.
    connection: u64,
    has_joined: bool,
    is_caught_up: bool,
    /// Background tasks of connections that were cut.
    rest: JoinSet<bool>,
}

/// How a connection ended.
enum ConnectionEnd {
    /// Cut by this viewer.
    Cut(CutWay),
    /// This viewer was too slow.
    Slow,
    /// The room has ended.
    Closed,
    /// In a way that is a fault, and noted.
    Odd,
}

impl Viewer {
    pub(super) fn new(shared: ViewerShared, random: Random) -> Self {
        let (model, tally, rest) = (Model::default(), CutsTally::default(), JoinSet::new());
        Self { shared, random, model, tally, connection: 0, has_joined: false, is_caught_up: false, rest }
    }

    /// Joins after `delay` and stays until the room ends.
    pub(super) async fn run(mut self, delay: Duration) -> Self {
        sleep(delay).await;
        loop {
            while let Some(ended) = self.rest.try_join_next() {
                self.tally.left_open += u64::from(!ended.unwrap_or(false));
            }
            let mut over = self.shared.over.clone();
            let connected = tokio::select! {
                peer = self.connect() => Some(peer),
                _ = over.wait_for(|over| *over) => None,
            };
            let Some(mut peer) = connected else {
                self.is_late("it is not let in");
                break;
            };
            let heard = tokio::select! {
                end = self.listen(&mut peer) => Some(end),
                _ = over.wait_for(|over| *over) => None,
            };
            let Some(end) = heard else {
                self.is_late("it waits for the next frame");
                break;
            };
            self.tally.inside_a_replay += u64::from(self.model.is_in_replay());
            self.model.cut();
            match end {
                ConnectionEnd::Closed => break,
                ConnectionEnd::Odd => drop(peer),
                ConnectionEnd::Slow => self.tally.slow += 1,
                ConnectionEnd::Cut(cut) => {
                    *self.tally.cuts.entry(cut).or_insert(0) += 1;
                    self.tally.inside_a_frame += u64::from(cut == CutWay::MidFrame && peer.is_inside_a_frame());
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

    /// Notes that the run is over, and this viewer has not got the room's end.
    fn is_late(&mut self, why: &str) {
        let (position, last) = (self.model.position(), self.shared.record.read().last());
        let (connection, retries) = (self.connection, self.tally.retries);
        self.model.faults.note(Fault::Late, || {
            format!("{why}: at {position:?} of {last}, on its connection {connection}, after {retries} retries")
        });
    }

    /// Reads until this viewer cuts or the server ends the connection.
    async fn listen(&mut self, peer: &mut Peer) -> ConnectionEnd {
        let two_alive = Duration::from_millis(2 * self.shared.record.read().alive_ms);
        let mut course = ConnectionState::begin(&mut self.random, two_alive);
        if *self.shared.calm.borrow() {
            course.life = None;
        }
        let mut feed = ModelFeed::default();
        let end = loop {
            if let Some(end) = self.step(peer, &mut course, &mut feed).await {
                break end;
            }
        };
        self.tally.texts += feed.texts;
        self.tally.ephemerals += feed.ephemerals;
        self.tally.resets += feed.resets;
        if let Some(outcome) = feed.joined {
            *self.tally.outcomes.entry(outcome).or_insert(0) += 1;
        } else {
            self.tally.unanswered += 1;
        }
        end
    }

    /// Waits for bytes or for the next deadline, and handles it.
    async fn step(
        &mut self,
        peer: &mut Peer,
        course: &mut ConnectionState,
        feed: &mut ModelFeed,
    ) -> Option<ConnectionEnd> {
        let heard = tokio::select! {
            heard = timeout_at(course.deadline(), peer.readable()) => heard,
            _ = self.shared.calm.changed() => {
                course.life = None;
                return self.look(course, feed);
            }
        };
        if heard.is_err() {
            if !course.is_over() {
                let time = course.two_alive;
                self.model.faults.note(Fault::NotAlive, || format!("nothing came for {time:?}"));
                return Some(ConnectionEnd::Odd);
            }
            if self.shared.lags && self.random.one_in(2) {
                self.lag(course).await;
                return None;
            }
            if course.cut == CutWay::MidFrame {
                self.part(peer, feed).await;
            }
            return Some(ConnectionEnd::Cut(course.cut));
        }
        let texts = feed.texts;
        match feed.hear(peer, course.bytes_max(), &mut self.model, &self.shared.record).await {
            Ok(read) => course.heard(read, feed.texts > texts),
            Err(_) if course.may_be_slow() => return Some(ConnectionEnd::Slow),
            Err(error) => {
                self.model.faults.note(Fault::OddEnd, || error.to_string());
                return Some(ConnectionEnd::Odd);
            }
        }
        // Before the check below: a viewer that is found to have everything is not cut any more.
        if *self.shared.calm.borrow() {
            course.life = None;
        }
        self.look(course, feed)
            .or_else(|| (course.life == Some(Lifetime::Bytes(0))).then_some(ConnectionEnd::Cut(CutWay::MidFrame)))
    }

    /// Reads nothing for a while.
    async fn lag(&mut self, course: &mut ConnectionState) {
        self.tally.lags += 1;
        course.lags();
        let time = Duration::from_millis(self.random.within(LAG_MS));
        tokio::select! {
            () = sleep(time) => {}
            _ = self.shared.calm.changed() => course.life = None,
        }
        let more = Duration::from_millis(self.random.within(500..3_000));
        course.prolong(more);
    }

    /// Acts on what was read.
    fn look(&mut self, course: &ConnectionState, feed: &mut ModelFeed) -> Option<ConnectionEnd> {
        if let Some(code) = feed.refused.take() {
            self.model.faults.note(Fault::OddEnd, || format!("the join was refused: {code}"));
            return Some(ConnectionEnd::Odd);
        }
        if let Some(code) = feed.code {
            return Some(self.closed(code, feed.word.as_deref(), course));
        }
        if feed.must_reconnect {
            if self.shared.lags {
                return Some(ConnectionEnd::Slow);
            }
            self.model
                .faults
                .note(Fault::NotAlive, || "the `seq` of one alive was not reached before the next one".into());
            return Some(ConnectionEnd::Odd);
        }
        if self.model.is_live() {
            if !self.has_joined {
                self.has_joined = true;
                self.shared.joined.fetch_add(1, Ordering::Relaxed);
            }
            let is_at_end = self.model.position() == Some(self.shared.record.read().last());
            if !self.is_caught_up && is_at_end && *self.shared.calm.borrow() {
                self.is_caught_up = true;
                self.shared.caught_up.fetch_add(1, Ordering::Relaxed);
            }
        }
        None
    }

    /// The server has closed the connection.
    fn closed(&mut self, code: u16, word: Option<&str>, course: &ConnectionState) -> ConnectionEnd {
        match (code, word) {
            (4503, Some("room_closed")) if self.is_caught_up => {
                self.tally.done += 1;
                ConnectionEnd::Closed
            }
            // A client that reads nothing does not answer a ping either.
            (4008, Some("slow")) | (4012, Some("silent")) if course.may_be_slow() => ConnectionEnd::Slow,
            _ => {
                self.model.faults.note(Fault::OddEnd, || format!("the server closed with {word:?}, {code}"));
                if code == 4503 { ConnectionEnd::Closed } else { ConnectionEnd::Odd }
            }
        }
    }

    /// Reads a part of a frame: a little of the bytes that wait or come next, and more until it is no whole number of
    /// frames.
    async fn part(&mut self, peer: &mut Peer, feed: &mut ModelFeed) {
        let end = Instant::now() + PART;
        while !peer.is_inside_a_frame() && feed.code.is_none() {
            let bytes_max = self.random.index(40) + 1;
            match timeout_at(end, peer.readable()).await {
                Ok(Ok(())) => {}
                _ => return,
            }
            if feed.hear(peer, bytes_max, &mut self.model, &self.shared.record).await.is_err() {
                return;
            }
        }
    }
}
