//! The items that a viewer delivers to its program, and their stream. Must not know connections.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::message::{Change, Key, Kind, Params};
use rtbroadcaster_core::refusal::Refused;
use rtbroadcaster_core::standing::OwnerStatus;
use serde::Deserialize;

use super::frame::{MessageFrame, ResetReason};
use super::queue::{self, Receiver, Sender};
use super::state::State;

/// One item that a viewer delivers to its program.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Heard {
    /// The whole state: the first one, or a replay. Messages continue after [`State::seq`].
    State {
        /// Why the server replayed it; `None` at the beginning. Undelivered events up to its number are lost.
        reset: Option<ResetReason>,
        /// The new state.
        state: State,
    },
    /// A message of the owner.
    Message(Delivery),
    /// The owner cleared a key.
    Cleared {
        /// The number of that change.
        seq: Seq,
        /// The cleared key.
        key: Key,
    },
    /// Messages up to `through` were superseded by newer values of their keys, because this viewer lags. The newer
    /// values have arrived or will arrive.
    Skipped {
        /// The last number of the hole.
        through: Seq,
    },
    /// The owner came, left, or has another lease.
    Owner {
        /// Whether the owner is connected.
        status: OwnerStatus,
        /// The number of its lease.
        term: u64,
    },
    /// The server refused a [signal](super::Viewer::signal).
    SignalRefused(Refused),
}

/// A message of the owner.
#[derive(Debug, Clone)]
pub struct Delivery {
    said: MessageFrame,
}

impl Delivery {
    /// Returns the number; `None` for an ephemeral message.
    pub fn seq(&self) -> Option<Seq> {
        self.said.seq
    }

    /// Returns the key.
    pub fn key(&self) -> &str {
        self.said.key.as_str()
    }

    /// Returns the parameters.
    pub fn params(&self) -> &Params {
        &self.said.params
    }

    /// Returns the deserialized parameters: a tuple, a `Vec`, or a `serde_json::Value`.
    ///
    /// # Errors
    /// The parameters do not deserialize as `T`.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        self.said.params.parse()
    }

    /// Returns the kind of the message.
    pub fn kind(&self) -> Kind {
        match self.said.change {
            Change::State | Change::Cleared => Kind::State,
            Change::Event => Kind::Event,
            Change::Ephemeral => Kind::Ephemeral,
        }
    }
}

/// The bytes of an item besides its key and parameters.
const PLACE_BYTES: usize = 128;

impl Heard {
    /// Returns the bytes that the item takes in a stream. A state counts in full, since no other copy may exist.
    pub(super) fn bytes(&self) -> usize {
        PLACE_BYTES
            + match self {
                Self::State { state, .. } => state.bytes(),
                Self::Message(Delivery { said }) => said.key.as_str().len() + said.params.as_bytes().len(),
                Self::Cleared { key, .. } => key.as_str().len(),
                Self::SignalRefused(refused) => refused.code().len(),
                Self::Skipped { .. } | Self::Owner { .. } => 0,
            }
    }

    /// Returns the item of a message.
    pub(super) fn said(said: MessageFrame) -> Self {
        match (said.change, said.seq) {
            (Change::Cleared, Some(seq)) => Self::Cleared { seq, key: said.key },
            _ => Self::Message(Delivery { said }),
        }
    }
}

/// A stream of a viewer's items, see [`Viewer::messages`](super::Viewer::messages). It ends when the viewer ends;
/// [`Viewer::status`](super::Viewer::status) has the reason.
#[derive(Debug)]
pub struct Messages {
    heard: Receiver<Heard>,
}

impl Messages {
    /// Returns both ends of a stream that holds at most `messages_max` items of at most `bytes_max` bytes in all, and
    /// begins with `first`.
    pub(super) fn open(messages_max: usize, bytes_max: usize, first: Option<Heard>) -> (Sender<Heard>, Self) {
        let (sender, heard) = queue::open(messages_max, bytes_max);
        if let Some(first) = first {
            let bytes = first.bytes();
            sender.try_send(first, bytes).expect("an empty queue takes anything");
        }
        (sender, Self { heard })
    }

    /// Returns the next item; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }
}

impl Stream for Messages {
    type Item = Heard;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Heard>> {
        self.heard.poll_recv(context)
    }
}
