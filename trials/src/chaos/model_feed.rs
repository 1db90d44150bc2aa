//! Passes a viewer's texts to its model one by one. Must not know when a connection is cut.

use std::io;

use super::speaker::SharedRecord;
use crate::load::frame::{Opcode, masked};
use crate::load::peer::{Peer, PeerError, code};
use crate::model::{JoinOutcome, Meaning, Model};

/// The outcome of the reads of a connection.
#[derive(Debug, Default)]
pub(super) struct ModelFeed {
    /// The outcome of the join.
    pub(super) joined: Option<JoinOutcome>,
    /// The code with which the join was refused.
    pub(super) refused: Option<String>,
    /// The number of texts.
    pub(super) texts: u64,
    /// The number of ephemeral messages.
    pub(super) ephemerals: u64,
    /// How often the state was replayed because the viewer was slow.
    pub(super) resets: u64,
    /// Whether by the rules the client reconnects, since it has not reached the `seq` of an `alive`.
    pub(super) must_reconnect: bool,
    /// The milliseconds after which a draining server advises to come back.
    pub(super) advice: Option<u64>,
    /// The word of the server's last text.
    pub(super) word: Option<String>,
    /// The code of the server's close frame.
    pub(super) code: Option<u16>,
    replies: Vec<u8>,
}

impl ModelFeed {
    /// Waits, reads once, at most `bytes_max` bytes, and returns how many arrived.
    pub(super) async fn hear(
        &mut self,
        peer: &mut Peer,
        bytes_max: usize,
        model: &mut Model,
        record: &SharedRecord,
    ) -> Result<usize, PeerError> {
        let read = peer.read(bytes_max, &mut |opcode, payload| self.frame(opcode, payload, model, record)).await?;
        if !self.replies.is_empty() {
            let replies = std::mem::take(&mut self.replies);
            // A few bytes: a socket that has no room for them is as good as closed.
            if peer.try_write(&replies)? < replies.len() {
                return Err(io::Error::from(io::ErrorKind::WriteZero).into());
            }
        }
        Ok(read)
    }

    fn frame(&mut self, opcode: Opcode, payload: &[u8], model: &mut Model, record: &SharedRecord) {
        match opcode {
            Opcode::Pong => {}
            Opcode::Ping => self.replies.extend(masked(Opcode::Pong, payload)),
            Opcode::Close => {
                self.replies.extend(masked(Opcode::Close, &payload[..payload.len().min(2)]));
                self.code = Some(code(payload));
            }
            Opcode::Text => {
                self.texts += 1;
                match model.hear(payload, &record.read()) {
                    Meaning::Joined(outcome) => self.joined = Some(outcome),
                    Meaning::Refused(code) => self.refused = Some(code),
                    Meaning::Reset => self.resets += 1,
                    Meaning::Ephemeral => self.ephemerals += 1,
                    Meaning::Reconnect => self.must_reconnect = true,
                    Meaning::Draining(advice) => self.advice = Some(advice),
                    Meaning::Closed(word) => self.word = Some(word),
                    Meaning::Message | Meaning::Other => {}
                }
            }
        }
    }
}
