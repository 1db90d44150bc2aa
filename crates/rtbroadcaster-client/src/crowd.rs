//! What an owner learns of its viewers. Must not know how it gets there.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use rtbroadcaster_core::message::{Key, Params};

use super::queue::{self, Failed, Receiver, Sender};

/// How many watch a room. Viewers are told only in rooms that were created
/// [so](rtbroadcaster_core::options::RoomOptions::with_audience).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audience {
    /// How many there are.
    pub viewers: u64,
    /// How many of them are behind; told to the owner only.
    pub lagging: Option<u64>,
    /// How old what waits for the slowest twentieth of them is; told to the owner only.
    pub behind_p95: Option<Duration>,
}

/// What viewers say to the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// One viewer said this.
    One {
        /// What it calls.
        key: Key,
        /// With which parameters.
        params: Params,
        /// The viewer's number or name, which means nothing else.
        from: Option<Box<str>>,
        /// How many signals the server refused since the last one that came, because this owner did not take them.
        dropped: u64,
    },
    /// What a key that the room counts was called with since the room was created, or since its owner cleared the key.
    Counts {
        /// What they call.
        key: Key,
        /// The parameters and how often they were said, the most frequent first.
        counts: Vec<(Params, u64)>,
        /// How often others were said that the server could not tell apart any more, since there were too many.
        other: u64,
    },
}

/// What a signal, or one of its counts, takes besides its texts.
const PLACE_BYTES: usize = 128;

impl Signal {
    /// Returns what it takes while nobody has taken it.
    fn bytes(&self) -> usize {
        match self {
            Self::One { key, params, from, .. } => {
                let from = from.as_ref().map_or(0, |from| from.len());
                PLACE_BYTES + key.as_str().len() + params.as_bytes().len() + from
            }
            Self::Counts { key, counts, .. } => {
                let counts = counts.iter().map(|(params, _)| PLACE_BYTES + params.as_bytes().len());
                PLACE_BYTES + key.as_str().len() + counts.sum::<usize>()
            }
        }
    }
}

impl Audience {
    /// Nobody watches.
    pub(super) const NOBODY: Self = Self { viewers: 0, lagging: Some(0), behind_p95: Some(Duration::ZERO) };
}

/// A stream of signals. It ends when its [`Broadcaster`](super::Broadcaster) is over.
#[derive(Debug)]
pub struct Signals {
    signals: Receiver<Signal>,
    lost: Arc<AtomicU64>,
}

/// Where signals go in.
#[derive(Debug)]
pub(super) struct Ear {
    signals: Sender<Signal>,
    lost: Arc<AtomicU64>,
}

impl Signals {
    /// A stream that holds at most `signals_max` of `bytes_max` in all that nobody has taken.
    pub(super) fn open(signals_max: usize, bytes_max: usize) -> (Ear, Self) {
        let (sender, signals) = queue::open(signals_max, bytes_max);
        let lost = Arc::<AtomicU64>::default();
        (Ear { signals: sender, lost: Arc::clone(&lost) }, Self { signals, lost })
    }

    /// The next signal; `None` when there will be no more.
    pub async fn next(&mut self) -> Option<Signal> {
        self.signals.recv().await
    }

    /// How many were lost because nobody took them in time: an owner's acks do not wait for its signals.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Ear {
    /// Passes a signal on; whether anybody still listens.
    pub(super) fn hear(&self, signal: &Signal) -> bool {
        match self.signals.try_send(signal.clone(), signal.bytes()) {
            Ok(()) => true,
            Err(Failed::Full) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(Failed::Closed) => false,
        }
    }
}

impl Stream for Signals {
    type Item = Signal;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Signal>> {
        self.signals.poll_recv(context)
    }
}
