//! The audience and the signals of a room. Must not know connections.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use rtbroadcaster_core::message::{Key, Params};

use super::queue::{self, Receiver, SendFailure, Sender};

/// The number of a room's viewers. The server sends it to viewers only in rooms that were created
/// [with it](rtbroadcaster_core::options::RoomOptions::with_audience).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audience {
    /// The number of viewers.
    pub viewers: u64,
    /// The number of lagging viewers; sent to the owner only.
    pub lagging: Option<u64>,
    /// The 95th percentile, over viewers, of how long the oldest waiting message has waited; sent to the owner only.
    pub behind_p95: Option<Duration>,
}

/// A signal of viewers to the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// The signal of one viewer.
    One {
        /// The key.
        key: Key,
        /// The parameters.
        params: Params,
        /// The viewer's number, or the name that the application gives it.
        from: Option<Box<str>>,
        /// The number of signals that the server refused since the last delivered one, because this owner did not read.
        dropped: u64,
    },
    /// The counts of a counted key since the room was created, or since its owner cleared the key.
    Counts {
        /// The key.
        key: Key,
        /// The parameters and how often viewers sent them, the most frequent first.
        counts: Vec<(Params, u64)>,
        /// The count of all other parameters, which the server did not count apart because there were too many.
        other: u64,
    },
}

/// The bytes of a signal, or of one of its counts, besides its texts.
const PLACE_BYTES: usize = 128;

impl Signal {
    /// Returns the bytes that the signal takes in a stream.
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
    /// The audience without viewers.
    pub(super) const NOBODY: Self = Self { viewers: 0, lagging: Some(0), behind_p95: Some(Duration::ZERO) };
}

/// A stream of signals. It ends when its [`Broadcaster`](super::Broadcaster) ends.
#[derive(Debug)]
pub struct Signals {
    signals: Receiver<Signal>,
    lost: Arc<AtomicU64>,
}

/// The sending end of a stream of signals.
#[derive(Debug)]
pub(super) struct SignalSender {
    signals: Sender<Signal>,
    lost: Arc<AtomicU64>,
}

impl Signals {
    /// Returns both ends of a stream that holds at most `signals_max` signals of at most `bytes_max` bytes in all.
    pub(super) fn open(signals_max: usize, bytes_max: usize) -> (SignalSender, Self) {
        let (sender, signals) = queue::open(signals_max, bytes_max);
        let lost = Arc::<AtomicU64>::default();
        (SignalSender { signals: sender, lost: Arc::clone(&lost) }, Self { signals, lost })
    }

    /// Returns the next signal; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Signal> {
        self.signals.recv().await
    }

    /// Returns how many signals were dropped because the stream was full: an owner's acks do not wait for its signals.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl SignalSender {
    /// Queues a signal, or drops and counts it if the stream is full. Returns whether the stream is still open.
    pub(super) fn send(&self, signal: &Signal) -> bool {
        match self.signals.try_send(signal.clone(), signal.bytes()) {
            Ok(()) => true,
            Err(SendFailure::Full) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(SendFailure::Closed) => false,
        }
    }
}

impl Stream for Signals {
    type Item = Signal;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Signal>> {
        self.signals.poll_recv(context)
    }
}
