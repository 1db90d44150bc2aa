//! The owner, which moves between nodes and sends again what was not acknowledged. Must not know what happens to nodes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rtbroadcaster::remote::{Options, Owner};
use rtbroadcaster::{Message, OwnerKey, RoomId};
use tokio::time::{sleep, timeout};

use super::{NODES, Urls};
use crate::model::fault::{Fault, Faults};
use crate::steps::Failure;

/// The time between two moves, and the most time of one.
const MOVE: Duration = Duration::from_millis(400);
const OWN: Duration = Duration::from_secs(4);

/// The time between two batches, their size, and the most time until a batch is acknowledged before the owner moves.
const BEAT: Duration = Duration::from_millis(40);
const BATCH: u64 = 4;
const ACKED: Duration = Duration::from_secs(3);

/// The key of messages that an owner publishes when it was replaced. No viewer may get one.
pub(super) const STALE: &str = "stale";

/// One message in so many sets a value.
const VALUE_IN: u64 = 3;

/// What was done.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) acked: u64,
    pub(super) takeovers: u64,
    /// The messages of owners that were replaced, all of them refused.
    pub(super) stale: u64,
}

/// The owner.
pub(super) struct Speaker {
    urls: Urls,
    room: RoomId,
    key: OwnerKey,
    owner: Option<Owner>,
    /// The node where it is, counted on.
    at: usize,
    published: u64,
    unacked: Vec<u64>,
    /// The number that each message got.
    acked: BTreeMap<u64, u64>,
    last_acked: Instant,
    longest_wait: Duration,
    tally: Tally,
    faults: Faults,
}

/// Returns options of an owner that ends with its connection: another one takes its place.
fn options() -> Options {
    let mut options = Options::default();
    options.reconnect = false;
    options.answer_timeout = OWN;
    options
}

fn message(number: u64) -> Message {
    let message = match number.is_multiple_of(VALUE_IN) {
        true => Message::state(&format!("value {}", number % 11), [number]),
        false => Message::event("bell", [number]),
    };
    message.and_then(|message| message.with_id(&number.to_string())).expect("it has no fault")
}

impl Speaker {
    pub(super) async fn open(urls: Urls) -> Result<Self, Failure> {
        let owner = Owner::create_with(&*urls[0], rtbroadcaster::RoomOptions::new(), options()).await;
        let owner = owner.map_err(|error| Failure::new(format!("the owner: {error}")))?;
        let (room, key) = (owner.room(), owner.key().clone());
        Ok(Self {
            urls,
            room,
            key,
            owner: Some(owner),
            at: 0,
            published: 0,
            unacked: Vec::new(),
            acked: BTreeMap::new(),
            last_acked: Instant::now(),
            longest_wait: Duration::ZERO,
            tally: Tally::default(),
            faults: Faults::default(),
        })
    }

    pub(super) fn room(&self) -> RoomId {
        self.room.clone()
    }

    pub(super) fn acked(&self) -> u64 {
        self.acked.len() as u64
    }

    /// Returns the number of the last message that is acknowledged.
    pub(super) fn last(&self) -> u64 {
        self.acked.values().max().copied().unwrap_or_default()
    }

    /// Returns the messages by the numbers that they got.
    pub(super) fn record(&self) -> BTreeMap<u64, u64> {
        self.acked.iter().map(|(number, seq)| (*seq, *number)).collect()
    }

    pub(super) fn forget_waits(&mut self) {
        (self.last_acked, self.longest_wait) = (Instant::now(), Duration::ZERO);
    }

    /// Returns the longest time without an acknowledgement.
    pub(super) fn longest_wait(&self) -> Duration {
        self.longest_wait
    }

    pub(super) fn tally(&self) -> Tally {
        Tally { acked: self.acked(), ..self.tally }
    }

    /// Publishes and moves for so long.
    pub(super) async fn speak(&mut self, time: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        let mut moved = begun;
        while begun.elapsed() < time {
            for _ in 0..BATCH {
                self.published += 1;
                self.unacked.push(self.published);
            }
            let is_sent = self.send().await;
            if !is_sent || moved.elapsed() > MOVE {
                moved = Instant::now();
                self.move_on().await;
            }
            sleep(BEAT).await;
        }
        Ok(())
    }

    /// Sends what is not acknowledged until all of it is.
    pub(super) async fn settle(&mut self, limit: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        while !self.unacked.is_empty() {
            if begun.elapsed() > limit {
                return Err(Failure::new(format!("{} messages are not acknowledged", self.unacked.len())));
            }
            if !self.send().await {
                self.move_on().await;
            }
        }
        Ok(())
    }

    /// Owns the room on the next node. The old owner is not told, and publishes once more.
    async fn move_on(&mut self) {
        self.at += 1;
        let url = &*self.urls[self.at % NODES];
        let own = Owner::own_with(url, self.room.clone(), self.key.clone(), options());
        let Ok(Ok(owner)) = timeout(OWN, own).await else {
            // The old one may have been replaced, or not.
            self.owner = None;
            return;
        };
        self.tally.takeovers += 1;
        if let Some(old) = self.owner.replace(owner) {
            let stale = Message::event(STALE, [self.tally.takeovers]).expect("it has no fault");
            // Without an answer the viewers show whether it was stored.
            match timeout(ACKED, old.publish(stale)).await {
                Ok(Ok(seq)) => self.faults.note(Fault::Stale, || format!("{seq:?} is of an owner that was replaced")),
                Ok(Err(_)) | Err(_) => self.tally.stale += 1,
            }
        }
    }

    /// Sends what is not acknowledged, in order. Returns whether all of it is, now.
    async fn send(&mut self) -> bool {
        let Some(owner) = &self.owner else { return false };
        let mut tickets = Vec::new();
        for number in &self.unacked {
            match timeout(ACKED, owner.send(message(*number))).await {
                Ok(Ok(ticket)) => tickets.push((*number, ticket)),
                _ => break,
            }
        }
        let mut is_whole = tickets.len() == self.unacked.len();
        for (number, ticket) in tickets {
            let Ok(Ok(seq)) = timeout(ACKED, ticket).await else {
                is_whole = false;
                break;
            };
            let now = Instant::now();
            self.longest_wait = self.longest_wait.max(now - self.last_acked);
            self.last_acked = now;
            if let Some(other) = self.acked.insert(number, seq.get()).filter(|other| *other != seq.get()) {
                self.faults.note(Fault::Repeated, || format!("message {number} is {other} and {seq:?}"));
            }
        }
        let acked = &self.acked;
        self.unacked.retain(|number| !acked.contains_key(number));
        is_whole
    }

    /// Adds its faults.
    pub(super) fn judge(&self, faults: &mut Faults) {
        faults.add(&self.faults);
        if !self.acked.values().is_sorted() {
            faults.note(Fault::OutOfOrder, || "messages were stored in another order".into());
        }
        let last = self.last();
        if last != self.acked() {
            faults.note(Fault::Repeated, || format!("{} messages have numbers up to {last}", self.acked()));
        }
    }
}
