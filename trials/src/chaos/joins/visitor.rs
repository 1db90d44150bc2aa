//! Visits one after the other: a join, its replay, some live messages, and an end of some kind. Most are of a new
//! viewer, some of an earlier one that comes back. Must not know the other clients of the room.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::SUM;
use crate::chaos::model_feed::ModelFeed;
use crate::chaos::speaker::SharedRecord;
use crate::load::peer::{Peer, PeerError, V2};
use crate::model::answer::Answer;
use crate::model::fault::{Fault, Faults};
use crate::model::state::State;
use crate::model::{CursorClaim, JoinOutcome, Model};
use crate::random::Random;

/// The number of viewers that a visitor remembers, to come back as one of them.
const EARLIER_MAX: usize = 4;

/// The most time of one visit.
const VISIT: Duration = Duration::from_secs(10);

/// The sums of the visits.
#[derive(Debug, Default)]
pub(super) struct VisitsTally {
    pub(super) outcomes: BTreeMap<JoinOutcome, u64>,
    /// The outcomes of pauses.
    pub(super) unpaused: BTreeMap<JoinOutcome, u64>,
    /// Visits in which anything was wrong.
    pub(super) differing: u64,
    /// How often the sum was compared with the keys.
    pub(super) sums: u64,
    pub(super) texts: u64,
    /// `reset` frames outside of joins.
    pub(super) resets: u64,
    /// Visits that ended with a `leave` and the answer to it.
    pub(super) left: u64,
    pub(super) faults: Faults,
}

/// A task that makes visits.
pub(super) struct Visitor {
    address: SocketAddr,
    record: SharedRecord,
    random: Random,
    earlier: Vec<Model>,
    tally: VisitsTally,
    visits: u64,
}

impl Visitor {
    pub(super) fn new(address: SocketAddr, record: SharedRecord, random: Random) -> Self {
        Self { address, record, random, earlier: Vec::new(), tally: VisitsTally::default(), visits: 0 }
    }

    /// Makes visits as long as any of the `left` joins are left.
    pub(super) async fn run(mut self, left: Arc<AtomicU64>) -> VisitsTally {
        while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            self.visits += 1;
            let mut model = self.choose();
            // Some of those that come back do so at once: the history is soon over.
            if model.position().is_none() || self.random.one_in(2) {
                sleep(Duration::from_micros(self.random.within(0..5_000))).await;
            }
            match timeout(VISIT, self.visit(&mut model)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => model.faults.note(Fault::OddEnd, || error.to_string()),
                Err(_) => model.faults.note(Fault::Late, || format!("no whole visit within {VISIT:?}")),
            }
            model.cut();
            self.tally.differing += u64::from(model.faults.all() > 0);
            self.tally.faults.add(&std::mem::take(&mut model.faults));
            if self.earlier.len() == EARLIER_MAX {
                let at = self.random.index(EARLIER_MAX);
                self.earlier.swap_remove(at);
            }
            self.earlier.push(model);
        }
        self.tally
    }

    /// Returns a new viewer, or an earlier one.
    fn choose(&mut self) -> Model {
        match self.random.within(0..9) {
            // The one that left last.
            0 | 1 => self.earlier.pop().unwrap_or_default(),
            2 if !self.earlier.is_empty() => {
                let at = self.random.index(self.earlier.len());
                self.earlier.swap_remove(at)
            }
            _ => Model::default(),
        }
    }

    async fn visit(&mut self, model: &mut Model) -> Result<(), PeerError> {
        let claim = match self.random.within(0..60) {
            0 => CursorClaim::Future,
            1 => CursorClaim::OtherEpoch,
            2 => CursorClaim::Malformed,
            _ => CursorClaim::Honest,
        };
        let mut peer = Peer::open_as(self.address, V2).await?;
        let join = model.join(format!("visit-{}", self.visits), claim, &self.record.read());
        peer.say(&join).await?;
        let mut feed = ModelFeed::default();
        self.hear_until(&mut feed, &mut peer, model, |model, _| model.is_live()).await?;
        self.compare(model);
        if let Some(outcome) = feed.joined.take() {
            *self.tally.outcomes.entry(outcome).or_insert(0) += 1;
        }
        if self.random.one_in(4) {
            self.pause(&mut feed, &mut peer, model).await?;
        }
        // After a change of a key comes the one of the sum: of each pair the second.
        let wanted = feed.texts + self.random.within(1..20);
        let is_even = |model: &Model| model.position().is_some_and(|seq| seq % 2 == 0);
        let is_enough = |model: &Model, feed: &ModelFeed| model.is_live() && feed.texts >= wanted && is_even(model);
        self.hear_until(&mut feed, &mut peer, model, is_enough).await?;
        self.compare(model);
        match self.random.within(0..3) {
            0 => {
                peer.say(r#"{"type":"leave"}"#).await?;
                self.hear_until(&mut feed, &mut peer, model, |_, feed| feed.code.is_some()).await?;
                if (feed.word.as_deref(), feed.code) != (Some("left"), Some(1000)) {
                    let (word, code) = (&feed.word, feed.code);
                    model.faults.note(Fault::OddEnd, || format!("a leave was answered with {word:?}, {code:?}"));
                }
                self.tally.left += 1;
            }
            1 => _ = tokio::spawn(peer.finish()),
            _ => peer.reset(),
        }
        self.tally.texts += feed.texts;
        self.tally.resets += feed.resets;
        Ok(())
    }

    /// Pauses for a moment and unpauses.
    async fn pause(&mut self, feed: &mut ModelFeed, peer: &mut Peer, model: &mut Model) -> Result<(), PeerError> {
        peer.say(r#"{"type":"pause"}"#).await?;
        sleep(Duration::from_micros(self.random.within(0..30_000))).await;
        let unpause = model.unpause(format!("unpause-{}", self.visits), &self.record.read());
        peer.say(&unpause).await?;
        self.hear_until(feed, peer, model, |model, feed| feed.joined.is_some() && model.is_live()).await?;
        if let Some(outcome) = feed.joined.take() {
            *self.tally.unpaused.entry(outcome).or_insert(0) += 1;
        }
        self.compare(model);
        Ok(())
    }

    async fn hear_until(
        &self,
        feed: &mut ModelFeed,
        peer: &mut Peer,
        model: &mut Model,
        is_enough: impl Fn(&Model, &ModelFeed) -> bool,
    ) -> Result<(), PeerError> {
        while !is_enough(model, feed) {
            if let Some(code) = feed.code {
                return Err(PeerError::Closed(code));
            }
            if feed.must_reconnect {
                return Err(PeerError::Answer("the `seq` of one alive was not reached before the next one".into()));
            }
            if let Some(refused) = feed.refused.take() {
                return Err(PeerError::Answer(refused));
            }
            feed.hear(peer, usize::MAX, model, &self.record).await?;
        }
        Ok(())
    }

    /// Compares the sum with the keys, where the last message was a sum and no key waits for a newer value.
    fn compare(&mut self, model: &mut Model) {
        if !model.is_complete() || model.position().is_none_or(|seq| seq % 2 == 1) {
            return;
        }
        self.tally.sums += 1;
        if let Err(why) = sum(model.state()) {
            model.faults.note(Fault::OtherState, || why);
        }
    }
}

/// Fails unless the sum is that of the keys.
fn sum(state: &State) -> Result<(), String> {
    let (mut keys, mut told) = (0, 0);
    for frame in state.frames() {
        let Ok(Answer::Message(message)) = Answer::read(frame) else {
            return Err(format!("no message: {frame}"));
        };
        let [value] = serde_json::from_str::<[u64; 1]>(message.params.get()).map_err(|error| error.to_string())?;
        if message.key == SUM { told = value } else { keys += value }
    }
    if keys == told { Ok(()) } else { Err(format!("the sum is {told}, that of the keys {keys}")) }
}

impl VisitsTally {
    pub(super) fn add(&mut self, other: &Self) {
        for (&outcome, count) in &other.outcomes {
            *self.outcomes.entry(outcome).or_insert(0) += count;
        }
        for (&outcome, count) in &other.unpaused {
            *self.unpaused.entry(outcome).or_insert(0) += count;
        }
        self.differing += other.differing;
        self.sums += other.sums;
        self.texts += other.texts;
        self.resets += other.resets;
        self.left += other.left;
        self.faults.add(&other.faults);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_sum_is_found() {
        let message = |seq, key: &str, value: u32| {
            format!(r#"{{"type":"message","seq":{seq},"key":"{key}","params":[{value}],"state":true}}"#)
        };
        let mut state = State::default();
        assert_eq!(sum(&state), Ok(()));
        state.insert("k1", 1, &message(1, "k1", 5));
        state.insert("k2", 2, &message(2, "k2", 6));
        state.insert(SUM, 3, &message(3, SUM, 11));
        assert_eq!(sum(&state), Ok(()));
        state.insert("k2", 4, &message(4, "k2", 7));
        assert!(sum(&state).is_err());
    }
}
