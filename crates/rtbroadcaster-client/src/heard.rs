//! What a viewer hears, one by one, and the stream of it. Must not know connections.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::message::{Change, Key, Kind, Params};
use rtbroadcaster_core::refusal::Refused;
use rtbroadcaster_core::standing::OwnerStatus;
use serde::Deserialize;

use super::frame::{ResetReason, Said};
use super::queue::{self, Receiver, Sender};
use super::state::State;

/// One thing that a viewer hears.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Heard {
    /// The state, whole: the beginning, or everything anew. Messages go on behind [`State::seq`].
    State {
        /// Why it comes anew; `None` at the beginning. Events up to its number that were not heard are lost.
        reset: Option<ResetReason>,
        /// What holds now.
        state: State,
    },
    /// The owner said something.
    Message(Delivery),
    /// The owner has cleared a key.
    Cleared {
        /// The number of that change.
        seq: Seq,
        /// The key that holds nothing any more.
        key: Key,
    },
    /// Messages up to `through` were superseded by newer values of their keys, because this viewer lags; the newer ones
    /// have come or will come.
    Skipped {
        /// The last number of the hole.
        through: Seq,
    },
    /// The owner came or went.
    Owner {
        /// Whether it is there.
        status: OwnerStatus,
        /// The lease under which it speaks.
        term: u64,
    },
    /// The server did not pass a [signal](super::Viewer::signal) on.
    SignalRefused(Refused),
}

/// A message of the owner.
#[derive(Debug, Clone)]
pub struct Delivery {
    said: Said,
}

impl Delivery {
    /// Its number; an ephemeral message has none.
    pub fn seq(&self) -> Option<Seq> {
        self.said.seq
    }

    /// What it calls or sets.
    pub fn key(&self) -> &str {
        self.said.key.as_str()
    }

    /// With which parameters.
    pub fn params(&self) -> &Params {
        &self.said.params
    }

    /// The parameters as values: a tuple, a `Vec`, or a `serde_json::Value`.
    ///
    /// # Errors
    /// They are no such values.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        self.said.params.parse()
    }

    /// How long it matters.
    pub fn kind(&self) -> Kind {
        match self.said.change {
            Change::State | Change::Cleared => Kind::State,
            Change::Event => Kind::Event,
            Change::Ephemeral => Kind::Ephemeral,
        }
    }
}

/// What one thing takes besides its key and parameters.
const PLACE_BYTES: usize = 128;

impl Heard {
    /// Returns what it takes while nobody has taken it. A state counts in full: it may be the only one that holds it.
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

    /// What was said, as it is heard.
    pub(super) fn said(said: Said) -> Self {
        match (said.change, said.seq) {
            (Change::Cleared, Some(seq)) => Self::Cleared { seq, key: said.key },
            _ => Self::Message(Delivery { said }),
        }
    }
}

/// A stream of what a viewer hears, see [`Viewer::messages`](super::Viewer::messages). It ends when the viewer is over;
/// [`Viewer::status`](super::Viewer::status) says why.
#[derive(Debug)]
pub struct Messages {
    heard: Receiver<Heard>,
}

impl Messages {
    /// A stream that holds at most `messages_max` of `bytes_max` in all that nobody has taken, and begins with `first`.
    pub(super) fn open(messages_max: usize, bytes_max: usize, first: Option<Heard>) -> (Sender<Heard>, Self) {
        let (sender, heard) = queue::open(messages_max, bytes_max);
        if let Some(first) = first {
            let bytes = first.bytes();
            sender.try_send(first, bytes).expect("an empty queue takes anything");
        }
        (sender, Self { heard })
    }

    /// The next thing; `None` when there will be no more.
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
