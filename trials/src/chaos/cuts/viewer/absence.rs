//! The absence of a viewer that was cut, and its return. Must not know what it receives then.

use std::time::Duration;

use tokio::time::sleep;

use super::Viewer;
use crate::load::peer::{Peer, PeerError, V2};
use crate::model::CursorClaim;
use crate::model::fault::Fault;

/// One cut in so many is followed by a long absence; the history does not reach back over half of these.
const LONG_ABSENCE_IN: u64 = 200;

/// One cut in so many is followed by a short absence, so that there is something to resume; after the others the viewer
/// returns at once.
const SHORT_ABSENCE_IN: u64 = 3;

/// The length of a short absence, in milliseconds.
const SHORT_MS: std::ops::Range<u64> = 10..2_000;

/// The length of a long absence, in milliseconds.
const LONG_MS: std::ops::Range<u64> = 10_000..30_000;

/// The time until a client whose handshake was refused tries again, in milliseconds.
const RETRY_MS: std::ops::Range<u64> = 20..200;

impl Viewer {
    pub(super) async fn stay_away(&mut self) {
        let time = if self.random.one_in(LONG_ABSENCE_IN) {
            self.tally.long_absences += 1;
            LONG_MS
        } else if self.random.one_in(SHORT_ABSENCE_IN) {
            SHORT_MS
        } else {
            return;
        };
        tokio::select! {
            () = sleep(Duration::from_millis(self.random.within(time))) => {}
            _ = self.shared.calm.changed() => {}
        }
    }

    /// Connects and joins the room, as often as needed.
    pub(super) async fn connect(&mut self) -> Peer {
        loop {
            self.connection += 1;
            let join =
                self.model.join(format!("join-{}", self.connection), CursorClaim::Honest, &self.shared.record.read());
            let opened = async {
                let address = self.shared.address;
                let mut peer = match self.shared.lags {
                    true => Peer::open_narrow(address, V2).await?,
                    false => Peer::open_as(address, V2).await?,
                };
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
}
