//! Answers that will be queued when something is written: they count as waiting from the moment they are promised.
//! Must not know what is written, nor what the answer says.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use rtbroadcaster_core::backlog::FRAME_OVERHEAD_BYTES;

use super::Outbox;

/// One answer that is to be queued, unless the promise is dropped. An owner that says much before the first message is
/// written gets all its answers at once, and no more of them than may wait for it.
#[derive(Debug)]
pub(crate) struct Promise {
    outbox: Arc<Outbox>,
    bytes: u32,
}

impl Promise {
    /// Promises an answer of at most `bytes`.
    pub(crate) fn new(outbox: &Arc<Outbox>, bytes: usize) -> Self {
        let bytes = u32::try_from(bytes + FRAME_OVERHEAD_BYTES)
            .expect("an answer is below 4 GiB, as is what waits for the disk");
        outbox.promised.fetch_add(bytes, Ordering::Relaxed);
        Self { outbox: Arc::clone(outbox), bytes }
    }

    /// Queues the answer.
    pub(crate) fn keep(mut self, answer: Bytes) {
        debug_assert!(
            answer.len() + FRAME_OVERHEAD_BYTES <= self.bytes as usize,
            "an answer is no longer than promised"
        );
        self.release();
        // Wakes the client task, which counts again.
        self.outbox.answer(answer);
    }

    /// Releases the promised bytes. Returns how many were promised in all until now.
    fn release(&mut self) -> u32 {
        self.outbox.promised.fetch_sub(std::mem::take(&mut self.bytes), Ordering::Relaxed)
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        let bytes = self.bytes;
        let promised = self.release();
        let is_enough = |promised: u32| (promised as usize).saturating_mul(2) > self.outbox.limit;
        if is_enough(promised) && !is_enough(promised - bytes) {
            // No frame comes that would wake the client task. If it also waits for its socket, that wakes it.
            self.outbox.wake();
        }
    }
}

impl Outbox {
    /// Returns whether so much waits for this client, or is promised, that no more should be read from it.
    pub(crate) fn is_congested(&self) -> bool {
        let waits = self.lock().backlog.as_ref().map_or(0, |backlog| backlog.bytes());
        (waits + self.promised.load(Ordering::Relaxed) as usize).saturating_mul(2) > self.limit
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Wake, Waker};

    use rtbroadcaster_core::config::Config;
    use rtbroadcaster_core::limit::Limit;

    use super::*;
    use crate::clock::Clock;
    use crate::fanout::mute::MUTE;
    use crate::metrics::Counters;

    /// Counts how often it was woken.
    struct Woken(std::sync::atomic::AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An outbox that may hold 4 000 bytes, whose client task waits.
    fn outbox() -> (Arc<Outbox>, Arc<Woken>) {
        let config = Config { backlog_bytes_max: Limit::Max(4_000), ..Config::default() };
        let outbox = Outbox::new(None, &MUTE, Clock::start(), &Counters::idle(), &config);
        let woken = Arc::new(Woken(std::sync::atomic::AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&woken));
        let drained = outbox.poll_drain(&mut Context::from_waker(&waker), |_, _| Poll::Pending);
        assert!(drained.is_pending());
        (outbox, woken)
    }

    #[test]
    fn promised_answers_count_until_they_are_given_and_fit_then() {
        let (outbox, woken) = outbox();
        let promises: Vec<Promise> =
            (0..100).map_while(|_| (!outbox.is_congested()).then(|| Promise::new(&outbox, 72))).collect();
        assert_eq!(promises.len(), 11, "each takes 200 bytes, and beyond half of 4 000 nothing is asked");
        for promise in promises {
            promise.keep(Bytes::from_static(&[0; 72]));
        }
        assert!(outbox.is_congested(), "now they wait");
        assert_eq!((outbox.promised.load(Ordering::Relaxed), outbox.end()), (0, None));
        assert!(woken.0.load(Ordering::Relaxed) > 0);
    }

    #[test]
    fn a_client_whose_promised_answers_do_not_come_is_asked_again() {
        let (outbox, woken) = outbox();
        let promises: Vec<Promise> = (0..12).map(|_| Promise::new(&outbox, 72)).collect();
        assert!(outbox.is_congested());
        drop(promises);
        assert!(!outbox.is_congested());
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }
}
