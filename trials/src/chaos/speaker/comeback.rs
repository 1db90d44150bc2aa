//! An owner that comes back to a server that knows its room, and repeats the messages without an answer. Must not know
//! why it was away.

use std::net::SocketAddr;

use super::Speaker;
use crate::load::frame::{Opcode, masked};
use crate::load::peer::{Peer, PeerError, V2};
use crate::model::answer::{Answer, How, Owned};
use crate::model::fault::Fault;

/// The id of the request.
const ID: &str = "own";

impl Speaker {
    /// Records that from now on its server may be replaced by another one, whose history holds `history_messages` if
    /// that is limited.
    pub(in crate::chaos) fn may_be_away(&self, history_messages: Option<u64>) {
        let mut record = self.record.write();
        (record.may_be_away, record.history_messages) = (true, history_messages);
    }

    /// Ends its side of a broken connection, so that the server does not wait for that.
    pub(in crate::chaos) async fn hang_up(&mut self) {
        // It may have ended already.
        let _ = self.peer.end_this_side().await;
    }

    /// Connects, owns the room by its key, and repeats the messages without an answer, in order and under the same ids.
    /// Returns how many these are.
    pub(in crate::chaos) async fn come_back(&mut self, address: SocketAddr) -> Result<u64, PeerError> {
        let mut peer = Peer::open_as(address, V2).await?;
        let (room, acked) = {
            let mut record = self.record.write();
            // Before the request: viewers may learn the term before this owner does.
            record.term += 1;
            (record.room.clone(), record.acked)
        };
        let (key, epoch) = (&self.key, &self.epoch);
        let cursor = format!(r#""cursor":{{"epoch":"{epoch}","seq":{acked}}}"#);
        peer.say(&format!(r#"{{"type":"own","id":"{ID}","room":"{room}","ownerKey":"{key}",{cursor},"lives":true}}"#))
            .await?;
        let text = answer(&mut peer).await?;
        let Ok(Answer::Owned(owned)) = Answer::read(&text) else {
            return Err(PeerError::Answer(text));
        };
        let mut state = Vec::new();
        for _ in 0..owned.replay {
            state.push(answer(&mut peer).await?);
        }
        self.judge(&owned, &state);
        (self.term, self.epoch) = (owned.term, owned.epoch.to_string());
        self.peer = peer;
        let frames: Vec<u8> =
            self.unacked.iter().flat_map(|unacked| masked(Opcode::Text, unacked.text.as_bytes())).collect();
        self.peer.send(&frames).await?;
        Ok(self.unacked.len() as u64)
    }

    /// Checks that the room is the one that this owner has left, with every message that was acknowledged to it.
    fn judge(&mut self, owned: &Owned<'_>, state: &[String]) {
        let Self { record, faults, term, .. } = self;
        let record = record.read();
        let is_room = (&*owned.id, &*owned.room) == (ID, &*record.room) && record.may_be_in(&owned.epoch);
        if !is_room || owned.term <= *term || owned.term > record.term || owned.alive_ms != record.alive_ms {
            faults.note(Fault::OddRoom, || format!("{owned:?} after term {term}"));
        }
        if owned.how != Some(How::Resumed) {
            faults.note(Fault::Forgotten, || format!("{owned:?}: acknowledged messages are missing"));
        }
        if owned.seq < record.acked {
            let acked = record.acked;
            faults.note(Fault::Forgotten, || format!("{owned:?}, {acked} was acknowledged"));
        }
        if owned.seq > record.last() {
            faults.note(Fault::Unsaid, || format!("{owned:?}"));
        }
        let fold = record.fold(owned.seq);
        if !fold.iter().map(|&seq| record.frame(seq)).eq(state.iter().map(|text| Some(&**text))) {
            faults.note(Fault::OtherState, || format!("{owned:?}: {state:?}, not {fold:?}"));
        }
    }
}

/// Returns the next text that is neither `alive` nor `audience`.
async fn answer(peer: &mut Peer) -> Result<String, PeerError> {
    loop {
        let text = peer.answer().await?;
        if !matches!(Answer::read(&text), Ok(Answer::Alive(_) | Answer::Audience(_))) {
            return Ok(text);
        }
    }
}
