//! An owner that publishes over the lives of several servers: it comes back to each of them. Must not know when one
//! ends.

use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::ServerLives;
use super::tally::ViewerReturn;
use crate::chaos::cuts::script;
use crate::chaos::speaker::{Saying, SharedRecord, Speaker};
use crate::load::peer::PeerError;
use crate::load::{CpuShare, Stretch};
use crate::model::fault::{Fault, Faults};
use crate::model::record::Effect;
use crate::steps::Failure;

/// The most messages without an answer.
const WINDOW: usize = 32;

/// The time until an owner that found no server tries again.
const RETRY: Duration = Duration::from_millis(10);

/// The most time without a server.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time of each message, the first one first.
#[derive(Debug, Clone, Default)]
pub(in crate::chaos) struct Times(Arc<RwLock<Vec<Instant>>>);

impl Times {
    /// Returns when this one was published.
    pub(in crate::chaos) fn of(&self, seq: u64) -> Option<Instant> {
        let times = self.0.read().unwrap_or_else(PoisonError::into_inner);
        times.get(usize::try_from(seq.checked_sub(1)?).ok()?).copied()
    }

    fn next(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
    }
}

/// The orders that it waits for, and the receivers of its reports.
pub(in crate::chaos) struct Cues {
    pub(in crate::chaos) opened: mpsc::Sender<SharedRecord>,
    pub(in crate::chaos) begin: oneshot::Receiver<()>,
    /// Whether it publishes nothing more.
    pub(in crate::chaos) finish: watch::Receiver<bool>,
    pub(in crate::chaos) all_said: mpsc::Sender<()>,
    pub(in crate::chaos) end: oneshot::Receiver<()>,
}

/// The outcome of an owner.
#[derive(Debug)]
pub(in crate::chaos) struct OwnerOutcome {
    pub(in crate::chaos) faults: Faults,
    pub(in crate::chaos) comebacks: Vec<ViewerReturn>,
    /// The number of messages published again.
    pub(in crate::chaos) again: u64,
    pub(in crate::chaos) busy: CpuShare,
}

/// An owner and its returns.
struct Owner {
    speaker: Speaker,
    lives: ServerLives,
    comebacks: Vec<ViewerReturn>,
    again: u64,
}

/// Opens a room, publishes from one cue to the next, and ends the room.
pub(in crate::chaos) async fn speak(
    lives: ServerLives,
    (seed, rate): (u64, u32),
    times: Times,
    mut cues: Cues,
) -> Result<OwnerOutcome, Failure> {
    let stretch = Stretch::begin()?;
    let failed = |error: PeerError| Failure::new(format!("the owner: {error}"));
    let speaker = Speaker::open(lives.address(), seed).await.map_err(failed)?;
    speaker.may_be_away(lives.keeping().history_messages_max);
    let _ = cues.opened.send(speaker.record().clone());
    let mut owner = Owner { speaker, lives, comebacks: Vec::new(), again: 0 };
    let _ = owner.speaker.hear_until(cues.begin).await.map_err(failed)?;
    let mut ticks = interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut number = 0;
    while !*cues.finish.borrow() {
        let said = async {
            owner.speaker.hear_until(ticks.tick()).await?;
            owner.speaker.settle(WINDOW - 1).await?;
            times.next();
            owner.speaker.say(&[saying(seed, number)]).await
        };
        if let Err(error) = said.await {
            owner.return_after(error).await?;
        }
        number += 1;
    }
    while let Err(error) = owner.speaker.settle(0).await {
        owner.return_after(error).await?;
    }
    let _ = cues.all_said.send(());
    let _ = owner.speaker.hear_until(&mut cues.end).await.map_err(failed)?;
    let Owner { speaker, comebacks, again, .. } = owner;
    let faults = speaker.close().await.map_err(failed)?;
    Ok(OwnerOutcome { faults, comebacks, again, busy: stretch.end()? })
}

impl Owner {
    /// Comes back after its connection has ended.
    async fn return_after(&mut self, error: PeerError) -> Result<(), Failure> {
        if !matches!(error, PeerError::Io(_) | PeerError::Cut | PeerError::Closed(1012)) {
            self.speaker.faults.note(Fault::OddEnd, || format!("of the owner's connection: {error}"));
        }
        let gone = Instant::now();
        self.speaker.hang_up().await;
        loop {
            let life = self.lives.count();
            match self.speaker.come_back(self.lives.address()).await {
                Ok(again) => {
                    self.again += again;
                    let life = Some(life).filter(|&life| life == self.lives.count());
                    self.comebacks.push(ViewerReturn { life, gone, back: Instant::now() });
                    return Ok(());
                }
                Err(error @ PeerError::Answer(_)) => return Err(Failure::new(format!("the owner: {error}"))),
                Err(error) if gone.elapsed() > PATIENCE => {
                    return Err(Failure::new(format!("the owner was away for {PATIENCE:?}: {error}")));
                }
                Err(_) => sleep(RETRY).await,
            }
        }
    }
}

/// Returns the messages of the scenario `cuts`, each with an id, so that it can be sent again.
fn saying(seed: u64, number: u64) -> Saying {
    let saying = script::saying(seed, number);
    if saying.has_id {
        return saying;
    }
    Saying { kind: Some(Effect::Event), key: "event-0".into(), params: format!("[{number}]"), has_id: true }
}
