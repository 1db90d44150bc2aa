//! What a viewer's connection brings, given to its model text by text. Must not know when a connection is cut.

use std::io;

use super::speaker::Shared;
use crate::load::frame::{Opcode, masked};
use crate::load::peer::{Peer, PeerError, code};
use crate::model::{Heard, Model, Outcome};

/// What a read of a connection came to.
#[derive(Debug, Default)]
pub(super) struct Ears {
    /// How the join was answered.
    pub(super) joined: Option<Outcome>,
    /// How the join was refused.
    pub(super) refused: Option<String>,
    /// How many texts came.
    pub(super) texts: u64,
    /// How many ephemeral messages came.
    pub(super) ephemerals: u64,
    /// How often the state came anew because the viewer was slow.
    pub(super) resets: u64,
    /// Whether by the rules the client connects anew, since what an `alive` told has not come.
    pub(super) must_reconnect: bool,
    /// After how many milliseconds a server that goes away advises to come back.
    pub(super) advice: Option<u64>,
    /// The word of the server's last text.
    pub(super) word: Option<String>,
    /// The code of the server's close frame.
    pub(super) code: Option<u16>,
    replies: Vec<u8>,
}

impl Ears {
    /// Reads once, at most `bytes_max` bytes, waiting for them. How many came.
    pub(super) async fn hear(
        &mut self,
        peer: &mut Peer,
        bytes_max: usize,
        model: &mut Model,
        record: &Shared,
    ) -> Result<usize, PeerError> {
        let read = peer.read(bytes_max, &mut |opcode, payload| self.frame(opcode, payload, model, record)).await?;
        if !self.replies.is_empty() {
            let replies = std::mem::take(&mut self.replies);
            // A few bytes: a socket that has no room for them is as good as gone.
            if peer.try_write(&replies)? < replies.len() {
                return Err(io::Error::from(io::ErrorKind::WriteZero).into());
            }
        }
        Ok(read)
    }

    fn frame(&mut self, opcode: Opcode, payload: &[u8], model: &mut Model, record: &Shared) {
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
                    Heard::Joined(outcome) => self.joined = Some(outcome),
                    Heard::Refused(code) => self.refused = Some(code),
                    Heard::Reset => self.resets += 1,
                    Heard::Ephemeral => self.ephemerals += 1,
                    Heard::Reconnect => self.must_reconnect = true,
                    Heard::Draining(advice) => self.advice = Some(advice),
                    Heard::Closed(word) => self.word = Some(word),
                    Heard::Message | Heard::Other => {}
                }
            }
        }
    }
}
