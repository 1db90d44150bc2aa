//! One owner from its request to its end: it publishes as fast as it may, and reads to the last byte. Must not know
//! which owner takes the room over.

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;

use super::speech::Speech;
use crate::load::frame::{Opcode, masked};
use crate::load::peer::{Peer, PeerError, code};
use crate::model::answer::Answer;

/// The most messages with an id that are without an answer.
const WINDOW: usize = 16;

/// The most bytes that wait for the socket.
const WAITING_BYTES_MAX: usize = 64 * 1024;

/// The first request of an owner.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum OwnerStart {
    Create,
    Own { room: String, key: String },
}

/// An order to an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnerOrder {
    /// The creator of the room: starts to publish. Others do so at once.
    Speak,
    /// Waits for no answers: fills the socket.
    Flood,
    /// Waits for all answers, then ends the room.
    Finish,
}

/// The report that a client has become the owner.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BecameOwner {
    pub(super) room: String,
    /// The owner key, of the creator only.
    pub(super) key: String,
    pub(super) term: u64,
}

/// The record of one owner.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct OwnerRecord {
    pub(super) term: u64,
    /// The room's last number when it became the owner.
    pub(super) seq: u64,
    /// The state that it got.
    pub(super) replay: Vec<String>,
    /// The counter of each acknowledged message and its number.
    pub(super) acks: Vec<(u64, u64)>,
    /// The number of numbered messages that its socket took.
    pub(super) numbered: u64,
    /// The word of the last text.
    pub(super) word: Option<String>,
    /// The code of the close frame.
    pub(super) code: Option<u16>,
    /// Texts that an owner must not get, and other forbidden events.
    pub(super) odd: Vec<String>,
}

/// Owns the room on a new connection, reports to `crowned`, and publishes until the connection ends.
pub(super) async fn run_owner(
    mut peer: Peer,
    start: OwnerStart,
    prefix: u64,
    crowned: oneshot::Sender<BecameOwner>,
    mut orders: mpsc::UnboundedReceiver<OwnerOrder>,
) -> Result<OwnerRecord, PeerError> {
    let mut owner = OwnerRecord::default();
    let mut speaks = owner.begin(&mut peer, &start, crowned).await?;
    let mut speech = Speech::new(owner.term, prefix);
    let (mut floods, mut finishes, mut is_dead, mut has_orders) = (false, false, false, true);
    while owner.code.is_none() {
        while speaks && !is_dead && speech.len() < WAITING_BYTES_MAX && (floods || speech.unacked < WINDOW) {
            speech.say();
        }
        if finishes && speech.unacked == 0 && speech.len() == 0 {
            finishes = false;
            speech.push(&masked(Opcode::Text, br#"{"type":"close"}"#));
        }
        tokio::select! {
            _ = peer.readable() => {
                // Everything before the end is in the texts; a missing code shows how the connection ended.
                if owner.hear(&mut peer, &mut speech).await.is_err() {
                    break;
                }
            }
            _ = peer.writable(), if speech.len() > 0 => match peer.try_write(speech.waiting()) {
                Ok(written) => {
                    speech.took(written);
                    // Otherwise a socket that takes everything keeps the runtime from seeing what arrived.
                    yield_now().await;
                }
                // There may still be something to read.
                Err(_) => {
                    is_dead = true;
                    speech.give_up();
                }
            },
            order = orders.recv(), if has_orders => match order {
                Some(OwnerOrder::Speak) => speaks = true,
                Some(OwnerOrder::Flood) => floods = true,
                Some(OwnerOrder::Finish) => (speaks, finishes) = (false, true),
                None => has_orders = false,
            },
        }
    }
    owner.numbered = speech.numbered();
    Ok(owner)
}

impl OwnerRecord {
    /// Becomes the owner. Returns whether it publishes at once.
    async fn begin(
        &mut self,
        peer: &mut Peer,
        start: &OwnerStart,
        crowned: oneshot::Sender<BecameOwner>,
    ) -> Result<bool, PeerError> {
        let ask = match start {
            OwnerStart::Create => r#"{"type":"create","id":"begin"}"#.into(),
            OwnerStart::Own { room, key } => {
                format!(r#"{{"type":"own","id":"begin","room":"{room}","ownerKey":"{key}"}}"#)
            }
        };
        peer.say(&ask).await?;
        let text = peer.answer().await?;
        let told = match (Answer::read(&text), start) {
            (Ok(Answer::Created(created)), OwnerStart::Create) => {
                (self.term, self.seq) = (created.term, created.seq);
                BecameOwner { room: created.room.into(), key: created.owner_key.into(), term: created.term }
            }
            (Ok(Answer::Owned(owned)), OwnerStart::Own { room, key }) if owned.id == "begin" && owned.room == *room => {
                (self.term, self.seq) = (owned.term, owned.seq);
                for _ in 0..owned.replay {
                    self.replay.push(peer.answer().await?);
                }
                BecameOwner { room: room.clone(), key: key.clone(), term: owned.term }
            }
            _ => return Err(PeerError::Answer(text)),
        };
        // The receiver may have given up.
        let _ = crowned.send(told);
        Ok(matches!(start, OwnerStart::Own { .. }))
    }

    /// Reads once.
    async fn hear(&mut self, peer: &mut Peer, speech: &mut Speech) -> Result<usize, PeerError> {
        let mut each = |opcode, payload: &[u8]| match opcode {
            Opcode::Ping => speech.push(&masked(Opcode::Pong, payload)),
            Opcode::Pong => {}
            Opcode::Close => self.code = Some(code(payload)),
            Opcode::Text => {
                let text = String::from_utf8_lossy(payload);
                if let Some(word) = &self.word {
                    self.odd.push(format!("behind the last text ({word}): {text}"));
                }
                match Answer::read(&text) {
                    Ok(Answer::Ack(ack)) => match speech.counter_of(&ack.id) {
                        Some(counter) => {
                            self.acks.push((counter, ack.seq));
                            speech.unacked = speech.unacked.saturating_sub(1);
                        }
                        None => self.odd.push(text.into_owned()),
                    },
                    Ok(Answer::Closed(closed)) if self.word.is_none() => self.word = Some(closed.reason.into()),
                    Ok(Answer::Alive(_) | Answer::Audience(_)) => {}
                    Ok(_) => self.odd.push(text.into_owned()),
                    Err(why) => self.odd.push(format!("{why}: {text}")),
                }
            }
        };
        peer.read(usize::MAX, &mut each).await
    }
}
