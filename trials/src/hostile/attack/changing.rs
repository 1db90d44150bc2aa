//! A room with a state that changes all the time. Must not know its viewers.

use std::time::Duration;

use tokio::time::interval;

use super::Plan;
use crate::hostile::sources::MANY;
use crate::load::peer::{Peer, PeerError, V2};

/// The state of such a room.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChangingState {
    pub(super) keys: u64,
    pub(super) value_bytes: usize,
    /// The time between two changes.
    pub(super) beat: Duration,
}

impl ChangingState {
    /// Opens a room with this state. Returns its owner and its name.
    pub(super) async fn open(self, plan: &Plan) -> Result<(Peer, String), PeerError> {
        let mut owner = Peer::open_from(MANY.of(0), plan.address, V2).await?;
        owner.say(r#"{"type":"create","id":"a"}"#).await?;
        let answer = owner.answer().await?;
        let room = answer.split_once(r#""room":""#).and_then(|(_, rest)| rest.split('"').next());
        let room = room.ok_or_else(|| PeerError::Answer(answer.clone()))?.to_owned();
        for key in 0..self.keys {
            owner.say(&self.value(key)).await?;
        }
        Ok((owner, room))
    }

    /// Changes one value after the other, and counts them in `said`. Returns only when the owner's connection fails.
    pub(super) async fn change(self, owner: &mut Peer, said: &mut u64) -> Result<(), PeerError> {
        let mut beat = interval(self.beat);
        loop {
            tokio::select! {
                _ = beat.tick() => {
                    owner.say(&self.value(*said)).await?;
                    *said += 1;
                }
                readable = owner.readable() => {
                    readable?;
                    owner.hear(|_| ()).await?;
                }
            }
        }
    }

    fn value(self, number: u64) -> String {
        let (key, text) = (number % self.keys, "v".repeat(self.value_bytes - 40));
        format!(r#"{{"type":"publish","key":"k{key}","params":[{number},"{text}"],"state":true}}"#)
    }
}
