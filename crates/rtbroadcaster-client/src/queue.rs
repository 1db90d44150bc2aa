//! A queue between a client's task and its program, bounded by the number of items and by their bytes, since the server
//! chooses how big an item is. Must not know what items are.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The program's end of the queue.
#[derive(Debug)]
pub(super) struct Receiver<T>(mpsc::Receiver<QueuedItem<T>>);

/// The client task's end of the queue.
#[derive(Debug)]
pub(super) struct Sender<T> {
    items: mpsc::Sender<QueuedItem<T>>,
    bytes: Arc<Semaphore>,
    bytes_max: u32,
}

/// An item in the queue, and its share of the queue's bytes.
#[derive(Debug)]
struct QueuedItem<T> {
    item: T,
    _bytes: OwnedSemaphorePermit,
}

/// Why an item was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendFailure {
    Full,
    Closed,
}

/// Returns both ends of a queue of so many items and bytes. An item that is bigger than `bytes_max` is queued alone.
pub(super) fn open<T>(items_max: usize, bytes_max: usize) -> (Sender<T>, Receiver<T>) {
    // Clamped: a queue of tokio has no more items, and a program that wants no limit asks for more.
    let (items, receiver) = mpsc::channel(items_max.clamp(1, Semaphore::MAX_PERMITS));
    let bytes_max = u32::try_from(bytes_max).unwrap_or(u32::MAX).max(1);
    let bytes = Arc::new(Semaphore::new(usize::try_from(bytes_max).unwrap_or(Semaphore::MAX_PERMITS)));
    (Sender { items, bytes, bytes_max }, Receiver(receiver))
}

impl<T> Sender<T> {
    /// Queues an item of so many bytes, if it fits.
    pub(super) fn try_send(&self, item: T, bytes: usize) -> Result<(), SendFailure> {
        let failed = |error| match error {
            mpsc::error::TrySendError::Full(_) => SendFailure::Full,
            mpsc::error::TrySendError::Closed(_) => SendFailure::Closed,
        };
        let place = self.items.try_reserve().map_err(failed)?;
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(self.cost(bytes)).map_err(|_| SendFailure::Full)?;
        place.send(QueuedItem { item, _bytes: bytes });
        Ok(())
    }

    /// Waits until an item of so many bytes fits, then makes and queues it. Without a receiver, the item is not made.
    /// Cancel safe.
    pub(super) async fn send(&self, item: impl FnOnce() -> T, bytes: usize) {
        // A dropped receiver drops its items, so the wait ends.
        let bytes = Arc::clone(&self.bytes).acquire_many_owned(self.cost(bytes)).await;
        if let (Ok(bytes), Ok(place)) = (bytes, self.items.reserve().await) {
            place.send(QueuedItem { item: item(), _bytes: bytes });
        }
    }

    /// Returns whether the receiver is dropped.
    pub(super) fn is_closed(&self) -> bool {
        self.items.is_closed()
    }

    /// Returns how many bytes of the queue an item of `bytes` takes: at most all.
    fn cost(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.bytes_max)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { items: self.items.clone(), bytes: Arc::clone(&self.bytes), bytes_max: self.bytes_max }
    }
}

impl<T> Receiver<T> {
    /// Returns the next item; `None` once all senders are dropped and the queue is empty.
    pub(super) async fn recv(&mut self) -> Option<T> {
        self.0.recv().await.map(|held| held.item)
    }

    pub(super) fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_recv(context).map(|held| held.map(|held| held.item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_queue_holds_so_many_items_and_so_many_bytes_and_one_that_is_bigger_alone() {
        let (sender, mut receiver) = open(3, 100);
        assert_eq!([40, 40, 40].map(|bytes| sender.try_send("part", bytes)), [Ok(()), Ok(()), Err(SendFailure::Full)]);
        assert_eq!([20, 0].map(|bytes| sender.try_send("part", bytes)), [Ok(()), Err(SendFailure::Full)]);
        for _ in 0..3 {
            assert_eq!(receiver.recv().await, Some("part"));
        }
        assert_eq!(sender.try_send("big", usize::MAX), Ok(()));
        assert_eq!(sender.try_send("small", 1), Err(SendFailure::Full));
        let waiting = tokio::spawn({
            let sender = sender.clone();
            async move { sender.send(|| "small", 1).await }
        });
        assert_eq!([receiver.recv().await, receiver.recv().await], [Some("big"), Some("small")]);
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_send_ends_when_the_receiver_is_dropped() {
        let (sender, receiver) = open(usize::MAX, 10);
        sender.try_send(1, 10).unwrap();
        let waiting = tokio::spawn({
            let sender = sender.clone();
            async move { sender.send(|| 2, 10).await }
        });
        drop(receiver);
        waiting.await.unwrap();
        assert!(sender.is_closed());
        assert_eq!(sender.try_send(3, 1), Err(SendFailure::Closed));
    }
}
