//! What an owner learns of its viewers. Must not know how it gets there.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_core::Stream;
use rtbroadcaster_core::signal::Signal;

use super::queue::{self, Failed, Receiver, Sender};

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
