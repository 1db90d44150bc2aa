//! The owner of one of many rooms: it publishes all of the room's messages, and comes back to each server. Must not
//! know why one ends.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;

use crate::chaos::speaker::{Saying, SharedRecord, Speaker};
use crate::load::peer::PeerError;
use crate::model::fault::{Fault, Faults};
use crate::model::record::Effect;
use crate::random::Random;
use crate::steps::Failure;

/// One message in so many is a value, of one of so many keys.
const STATE_IN: u64 = 5;
const KEYS: u64 = 5;

/// The bytes of a message's parameters.
const PARAMS_BYTES: usize = 200;

/// The most messages without an answer.
const WINDOW: usize = 32;

/// An owner and its messages to come.
pub(super) struct RoomOwner {
    speaker: Speaker,
    random: Random,
    /// The number of messages it has published.
    said: u64,
}

impl RoomOwner {
    /// Opens a room and publishes `messages`, all of them acknowledged.
    pub(super) async fn open(address: SocketAddr, seed: u64, messages: u32) -> Result<Self, PeerError> {
        let speaker = Speaker::open(address, seed).await?;
        speaker.may_be_away(None);
        let mut owner = Self { speaker, random: Random::new(seed, 0), said: 0 };
        for _ in 0..messages {
            owner.say().await?;
        }
        owner.speaker.settle(0).await?;
        Ok(owner)
    }

    pub(super) fn record(&self) -> &SharedRecord {
        self.speaker.record()
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.speaker.faults
    }

    /// Stays until the server ends.
    pub(super) async fn attend(mut self) -> Self {
        let Err(error) = self.speaker.hear_until(pending::<Infallible>()).await;
        if !matches!(error, PeerError::Io(_) | PeerError::Cut | PeerError::Closed(1012)) {
            self.speaker.faults.note(Fault::OddEnd, || format!("of an owner's connection: {error}"));
        }
        self.speaker.hang_up().await;
        self
    }

    /// Owns its room again, and publishes one message more.
    pub(super) async fn return_to(mut self, address: SocketAddr) -> Result<Self, Failure> {
        let returning = async {
            self.speaker.come_back(address).await?;
            self.say().await?;
            self.speaker.settle(0).await
        };
        returning.await.map_err(|error| Failure::new(format!("an owner does not come back: {error}")))?;
        Ok(self)
    }

    async fn say(&mut self) -> Result<(), PeerError> {
        let saying = saying(self.said, &mut self.random);
        self.said += 1;
        self.speaker.settle(WINDOW - 1).await?;
        self.speaker.say(&[saying]).await
    }
}

/// Returns the message with this number, from 0. Its parameters cannot be compressed.
fn saying(number: u64, random: &mut Random) -> Saying {
    let (kind, key) = match number % STATE_IN {
        0 => (Effect::State, format!("state-{}", number / STATE_IN % KEYS)),
        key => (Effect::Event, format!("event-{key}")),
    };
    let mut text = String::new();
    while text.len() < PARAMS_BYTES {
        text.push_str(&format!("{:016x}", random.next()));
    }
    text.truncate(PARAMS_BYTES - r#"[""]"#.len());
    Saying { kind: Some(kind), key, params: format!(r#"["{text}"]"#), has_id: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_events_and_five_values_of_two_hundred_bytes_come_first() {
        let random = &mut Random::new(1, 1);
        let all: Vec<_> = (0..25).map(|number| saying(number, random)).collect();
        let mut keys: Vec<_> =
            all.iter().filter(|saying| saying.kind == Some(Effect::State)).map(|saying| &saying.key).collect();
        keys.dedup();
        assert_eq!((keys.len(), all.iter().filter(|saying| saying.kind == Some(Effect::Event)).count()), (5, 20));
        assert!(all.iter().all(|saying| saying.params.len() == PARAMS_BYTES));
        assert_eq!(saying(25, random).key, all[0].key);
    }
}
