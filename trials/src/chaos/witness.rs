//! A room beside others: an owner that publishes at a steady rate, and viewers that time each message. It shows how
//! much other rooms suffer when a scenario makes the server busy. Must not know the scenario.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::load::peer::{Peer, PeerError, V2};
use crate::load::{on_a_thread, outcome};
use crate::steps::Failure;

/// The number of its viewers, and the time between two messages.
const VIEWERS: u32 = 10;
const BEAT: Duration = Duration::from_millis(20);

/// The most time of its life, and the most time until all are in.
const LIMIT: Duration = Duration::from_secs(1_800);
const SOON: Duration = Duration::from_secs(20);

/// Such a room, on a thread of its own.
pub(super) struct RoomBeside {
    shared: Arc<Shared>,
    living: JoinHandle<Result<(), Failure>>,
}

struct Shared {
    /// The moment from which times count.
    origin: Instant,
    is_enough: AtomicBool,
    ages: Mutex<Vec<(Instant, Duration)>>,
}

/// The time of each message, and its age when a viewer had it.
#[derive(Debug, Default)]
pub(super) struct MessageAges(Vec<(Instant, Duration)>);

impl RoomBeside {
    /// Opens the room, and starts once all of its viewers are in.
    pub(super) fn start(address: SocketAddr) -> Result<Self, Failure> {
        let shared =
            Arc::new(Shared { origin: Instant::now(), is_enough: AtomicBool::new(false), ages: Mutex::default() });
        let (begun, begins) = mpsc::channel();
        let all = Arc::clone(&shared);
        let living = on_a_thread(LIMIT, move || async move {
            live(address, all, begun).await.map_err(|error| Failure::new(format!("the room beside: {error}")))
        });
        match begins.recv_timeout(SOON) {
            Ok(()) => Ok(Self { shared, living }),
            Err(_) => Err(outcome(living).err().unwrap_or_else(|| Failure::new("the room beside does not begin"))),
        }
    }

    /// Ends the room, and returns the ages that its viewers recorded.
    pub(super) fn end(self) -> Result<MessageAges, Failure> {
        self.shared.is_enough.store(true, Ordering::Relaxed);
        outcome(self.living)?;
        Ok(MessageAges(std::mem::take(&mut *self.shared.ages.lock().unwrap_or_else(PoisonError::into_inner))))
    }
}

impl MessageAges {
    /// Returns the ages of the messages published between two moments, sorted.
    pub(super) fn between(&self, from: Instant, to: Instant) -> Vec<Duration> {
        let mut ages: Vec<_> =
            self.0.iter().filter(|(said, _)| (from..to).contains(said)).map(|(_, age)| *age).collect();
        ages.sort_unstable();
        ages
    }
}

async fn live(address: SocketAddr, shared: Arc<Shared>, begun: mpsc::Sender<()>) -> Result<(), PeerError> {
    let mut owner = Peer::open_as(address, V2).await?;
    owner.say(r#"{"type":"create","id":"create"}"#).await?;
    let answer = owner.answer().await?;
    let room = serde_json::from_str::<Value>(&answer).ok().and_then(|value| Some(value["room"].as_str()?.to_owned()));
    let Some(room) = room else { return Err(PeerError::Answer(answer)) };
    let mut viewers = JoinSet::new();
    for _ in 0..VIEWERS {
        let mut viewer = Peer::open_as(address, V2).await?;
        viewer.say(&format!(r#"{{"type":"join","id":"join","room":"{room}"}}"#)).await?;
        let answer = viewer.answer().await?;
        if !answer.starts_with(r#"{"type":"joined""#) {
            return Err(PeerError::Answer(answer));
        }
        viewers.spawn(listen(viewer, Arc::clone(&shared)));
    }
    let _ = begun.send(());
    let mut beat = interval(BEAT);
    // Late messages are published at once, so that a stall of the server counts for each.
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while !shared.is_enough.load(Ordering::Relaxed) {
        tokio::select! {
            tick = beat.tick() => {
                let due = u64::try_from((tick.into_std() - shared.origin).as_micros()).unwrap_or(u64::MAX);
                owner.say(&format!(r#"{{"type":"publish","key":"beat","params":[{due}]}}"#)).await?;
            }
            readable = owner.readable() => {
                readable?;
                owner.hear(|_| ()).await?;
            }
            Some(ended) = viewers.join_next() => {
                return ended.unwrap_or(Err(PeerError::Cut));
            }
        }
    }
    viewers.shutdown().await;
    Ok(())
}

/// Runs one viewer until its connection ends.
async fn listen(mut viewer: Peer, shared: Arc<Shared>) -> Result<(), PeerError> {
    loop {
        let heard = |text: &[u8]| {
            let Ok(value) = serde_json::from_slice::<Value>(text) else { return };
            let Some(due) = value["params"][0].as_u64().filter(|_| value["type"] == "message") else { return };
            let due = shared.origin + Duration::from_micros(due);
            shared.ages.lock().unwrap_or_else(PoisonError::into_inner).push((due, due.elapsed()));
        };
        viewer.hear(heard).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_those_of_messages_of_a_stretch() {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let ages =
            MessageAges(vec![(at(1), Duration::from_millis(9)), (at(2), Duration::from_millis(4)), (at(3), BEAT)]);
        assert_eq!(ages.between(at(1), at(3)), [Duration::from_millis(4), Duration::from_millis(9)]);
    }
}
