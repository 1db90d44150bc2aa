//! The owners: one after the other publishes events, values, ephemeral messages, and clears, until the last cut is
//! over. Must not know connections.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rtbroadcaster::Message;
use rtbroadcaster::remote::{Owner, PublishError, Status, Ticket};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::{CutProgress, Plan, SOON, options};
use crate::model::fault::{Fault, Faults};
use crate::random::Random;
use crate::steps::Failure;

/// The number of keys of the state.
const KEYS: u64 = 17;

/// One message in so many clears a key.
const CLEAR_IN: u64 = 40;

/// The number of events that the old owner publishes around a takeover.
const STALE: u64 = 20;

/// The most unacknowledged messages before the owner waits for them.
const UNACKED_MAX: usize = 200;

/// The present owner.
pub(super) struct PresentOwner {
    owner: Owner,
    url: String,
    plan: Plan,
    course: Arc<CutProgress>,
    random: Random,
    /// The number of the last message.
    number: u64,
    /// The number that the next message must get.
    next: u64,
    tickets: VecDeque<Ticket>,
    past: PublishedRecord,
}

/// The messages of the owners.
#[derive(Debug, Default)]
pub(super) struct PublishedRecord {
    /// The events that were stored, in order.
    pub(super) events: Vec<u64>,
    pub(super) acked: u64,
    pub(super) offline: u64,
    pub(super) takeovers: u32,
    /// The old owners' last events: the number stored before the takeover, and the number refused.
    pub(super) stored: u64,
    pub(super) fenced: u64,
    /// The last lease.
    pub(super) term: u64,
    pub(super) faults: Faults,
}

impl PresentOwner {
    pub(super) fn new(owner: Owner, url: &str, plan: Plan, course: Arc<CutProgress>) -> Self {
        let (random, tickets, past) = (Random::new(plan.seed, 1), VecDeque::new(), PublishedRecord::default());
        Self { owner, url: url.into(), plan, course, random, number: 0, next: 1, tickets, past }
    }

    /// Publishes, and returns the last owner and the messages.
    pub(super) async fn speak(mut self) -> Result<(Owner, PublishedRecord), Failure> {
        let mut beat = interval(Duration::from_secs(1) / self.plan.rate);
        beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while !self.course.is_over.load(Ordering::Acquire) {
            beat.tick().await;
            self.say().await?;
            if self.past.takeovers < self.course.due.load(Ordering::Acquire) {
                self.take_over().await?;
            }
        }
        // The last one is an event, so that no viewer is through before it.
        self.number += 1;
        self.past.events.push(self.number);
        let last = self
            .owner
            .send(Message::event("bell", [self.number]).expect("it has no fault"))
            .await
            .map_err(|error| lost(&error))?;
        self.tickets.push_back(last);
        self.settle(0).await?;
        self.past.term = self.owner.term();
        Ok((self.owner, self.past))
    }

    /// Publishes one message.
    async fn say(&mut self) -> Result<(), Failure> {
        self.number += 1;
        let number = self.number;
        let key = format!("key {}", self.random.within(0..KEYS));
        if self.random.one_in(CLEAR_IN) {
            self.settle(0).await?;
            let cleared = timeout(SOON, self.owner.clear(&key)).await;
            let seq = cleared.map_err(|_| Failure::new("nothing became of a clear"))?.map_err(|error| lost(&error))?;
            self.acked(seq.get());
            return Ok(());
        }
        let message = match number % 4 {
            0 => {
                match self.owner.publish(Message::ephemeral("pointer", [number]).expect("it has no fault")).await {
                    Ok(_) => {}
                    Err(PublishError::Offline) => self.past.offline += 1,
                    Err(error) => return Err(lost(&error)),
                }
                return Ok(());
            }
            1 => {
                self.past.events.push(number);
                Message::event("bell", [number]).expect("it has no fault")
            }
            _ => Message::state(&key, [number]).expect("it has no fault"),
        };
        let ticket = self.owner.send(message).await.map_err(|error| lost(&error))?;
        self.tickets.push_back(ticket);
        self.settle(UNACKED_MAX).await
    }

    /// Waits until at most `left` messages are not acknowledged.
    async fn settle(&mut self, left: usize) -> Result<(), Failure> {
        while self.tickets.len() > left {
            let Some(ticket) = self.tickets.pop_front() else { break };
            let acked = timeout(SOON, ticket).await.map_err(|_| Failure::new("nothing became of a message"))?;
            self.acked(acked.map_err(|error| lost(&error))?.get());
        }
        Ok(())
    }

    fn acked(&mut self, seq: u64) {
        let next = self.next;
        if seq != next {
            self.past.faults.note(Fault::FalseAck, || format!("{seq} instead of {next}"));
        }
        self.next = seq + 1;
        self.past.acked += 1;
    }

    /// Lets another owner take over while this one publishes.
    async fn take_over(&mut self) -> Result<(), Failure> {
        let course = Arc::clone(&self.course);
        // An owner that is cut at just this moment comes back and takes over in turn, as it must.
        let _calm = course.calm.lock().await;
        self.settle(0).await?;
        let mut status = self.owner.watch_status();
        let inside = timeout(SOON, status.wait_for(Status::is_inside)).await;
        inside.map_err(|_| Failure::new("the owner is away"))?.map_err(|error| Failure::new(error.to_string()))?;
        let own = Owner::own_with(&self.url, self.owner.room(), self.owner.key().clone(), options());
        let first = self.number + 1;
        self.number += STALE;
        let (old, random) = (&self.owner, &mut self.random);
        let speaking = async {
            let mut tickets = Vec::new();
            for number in first..first + STALE {
                match old.send(Message::event("bell", [number]).expect("it has no fault")).await {
                    Ok(ticket) => tickets.push(ticket),
                    Err(_) => break,
                }
                sleep(Duration::from_micros(random.within(0..400))).await;
            }
            tickets
        };
        let (owned, tickets) = tokio::join!(own, speaking);
        let new = owned.map_err(|error| Failure::new(format!("the new owner: {error}")))?;
        // The new owner's state shows what was stored: nothing of the old one is stored behind it.
        let stored = new.state().seq().get() + 1 - self.next;
        for (number, ticket) in (first..).zip(tickets) {
            let outcome = timeout(SOON, ticket).await.map_err(|_| Failure::new("nothing became of a stale message"))?;
            match outcome {
                Ok(seq) if number < first + stored && seq.get() == self.next + number - first => {}
                Err(PublishError::Fenced) => self.past.fenced += 1,
                other => self.past.faults.note(Fault::Stale, || format!("event {number}: {other:?}")),
            }
        }
        if timeout(SOON, status.wait_for(|status| status.closing().is_some())).await.is_err() {
            self.past.faults.note(Fault::NotFenced, || format!("{:?}", self.owner.status()));
        }
        self.past.events.extend(first..first + stored);
        self.past.stored += stored;
        self.next += stored;
        self.past.takeovers += 1;
        self.owner = new;
        Ok(())
    }
}

fn lost(error: &PublishError) -> Failure {
    Failure::new(format!("the owner cannot speak: {error}"))
}
