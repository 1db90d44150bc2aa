//! The audience and the signals of a room. Must not know connections.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_core::Stream;
use rtbroadcaster_core::signal::Signal;

use super::queue::{self, Receiver, SendFailure, Sender};

/// A stream of signals. It ends when its [`Owner`](super::Owner) ends.
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
