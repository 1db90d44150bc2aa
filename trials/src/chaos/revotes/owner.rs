//! The owner of a room that counts votes. Must not know voters.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::timeout;

use super::Totals;
use crate::load::peer::{Peer, PeerError, V2};

/// The time between two totals, in milliseconds.
const EVERY_MS: u64 = 100;

/// Its connection, and the totals it knows.
pub(super) struct Owner {
    peer: Peer,
    room: String,
    key: String,
    totals: Totals,
}

impl Owner {
    pub(super) async fn create(address: SocketAddr) -> Result<Self, PeerError> {
        let mut peer = Peer::open_as(address, V2).await?;
        let count = format!(r#"{{"vote":{{"count":true,"everyMs":{EVERY_MS},"oncePerViewer":true}}}}"#);
        peer.say(&format!(r#"{{"type":"create","id":"create","signals":{count}}}"#)).await?;
        let text = peer.answer().await?;
        let created: Value = serde_json::from_str(&text).unwrap_or_default();
        let member = |name: &str| created[name].as_str().map(str::to_owned);
        let (Some(room), Some(key)) = (member("room"), member("ownerKey")) else { return Err(PeerError::Answer(text)) };
        Ok(Self { peer, room, key, totals: Totals::new() })
    }

    /// Owns the room again, at the next server, which has counted nothing.
    pub(super) async fn return_to(self, address: SocketAddr) -> Result<Self, PeerError> {
        let Self { room, key, .. } = self;
        let mut peer = Peer::open_as(address, V2).await?;
        peer.say(&format!(r#"{{"type":"own","id":"own","room":"{room}","ownerKey":"{key}","lives":true}}"#)).await?;
        let text = peer.answer().await?;
        if !text.starts_with(r#"{"type":"owned""#) {
            return Err(PeerError::Answer(text));
        }
        Ok(Self { peer, room, key, totals: Totals::new() })
    }

    pub(super) fn room(&self) -> &str {
        &self.room
    }

    /// Waits until the totals are these, or `limit` is over, and returns the present ones.
    pub(super) async fn await_totals(&mut self, wanted: &Totals, limit: Duration) -> Result<Totals, PeerError> {
        let deadline = Instant::now() + limit;
        while self.totals != *wanted {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { break };
            if timeout(left, self.peer.readable()).await.is_err() {
                break;
            }
            let totals = &mut self.totals;
            self.peer.hear(|text| hear(text, totals)).await?;
        }
        Ok(self.totals.clone())
    }
}

/// Takes the totals of a frame that has some.
fn hear(text: &[u8], totals: &mut Totals) {
    let frame: Value = serde_json::from_slice(text).unwrap_or_default();
    let Some(counts) = frame["counts"].as_array().filter(|_| frame["type"] == "signal") else { return };
    *totals = counts.iter().map(|count| (count[0].to_string(), count[1].as_u64().unwrap_or_default())).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_read_from_the_frame_that_has_them() {
        let mut totals = Totals::new();
        hear(br#"{"type":"alive","seq":0}"#, &mut totals);
        assert!(totals.is_empty());
        hear(br#"{"type":"signal","key":"vote","counts":[[[1],20],[[0],3]]}"#, &mut totals);
        assert_eq!(totals, Totals::from([("[1]".into(), 20), ("[0]".into(), 3)]));
    }
}
