//! A queue with a thread of its own: adding an item never blocks. Items that do not fit are dropped and counted.
//! Must not know what its items are.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// The least time between two reports of dropped items while items wait.
const NOTICE_INTERVAL: Duration = Duration::from_secs(1);

/// The work of the thread.
pub(crate) trait Worker<T>: Send + 'static {
    /// Processes one item, however long that takes. Returns whether it succeeded.
    fn process(&mut self, item: T) -> bool;

    /// Reports the number of dropped items. An item that it queues for that is always accepted.
    fn report(&mut self, dropped: u64);
}

/// A handle of the queue. Clones share it.
#[derive(Debug)]
pub(crate) struct WorkerQueue<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<QueueState<T>>,
    /// Notified when an item is added, and when one is done.
    changed: Condvar,
    /// The most that all items may cost together.
    cost_max: usize,
    /// The number of dropped items.
    dropped: AtomicU64,
}

#[derive(Debug)]
struct QueueState<T> {
    waiting: VecDeque<QueuedJob<T>>,
    /// The cost of these items, and of the one in process.
    cost: usize,
    /// The thread is processing an item.
    is_busy: bool,
    /// The number of dropped items that no queued report contains.
    unreported: u64,
    /// The id of the thread. Its own items, the reports of dropped ones, are always accepted.
    worker: Option<ThreadId>,
    /// The number in the report that the thread is about to queue.
    reporting: u64,
}

#[derive(Debug)]
struct QueuedJob<T> {
    item: T,
    cost: usize,
    /// The number of dropped items that it reports; 0 for an ordinary item.
    reports: u64,
}

impl<T> Clone for WorkerQueue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> WorkerQueue<T> {
    /// Returns a queue whose items may cost `cost_max` together.
    pub(crate) fn new(cost_max: usize) -> Self {
        let state =
            QueueState { waiting: VecDeque::new(), cost: 0, is_busy: false, unreported: 0, worker: None, reporting: 0 };
        let (state, changed, dropped) = (Mutex::new(state), Condvar::new(), AtomicU64::new(0));
        Self(Arc::new(Shared { state, changed, cost_max, dropped }))
    }

    /// Starts the thread, which runs as long as the process, since processing an item may block for ever.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub(crate) fn start(&self, name: &str, mut worker: impl Worker<T>) -> io::Result<()> {
        let queue = self.clone();
        thread::Builder::new().name(name.to_owned()).spawn(move || queue.run(&mut worker)).map(|_| ())
    }

    /// Queues an item of this cost, or drops and counts it if too much waits.
    pub(crate) fn add(&self, item: T, cost: usize) {
        let mut state = self.lock();
        let is_notice = state.worker == Some(thread::current().id());
        if state.cost.saturating_add(cost) > self.0.cost_max && !is_notice {
            state.unreported += 1;
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let reports = if is_notice { std::mem::take(&mut state.reporting) } else { 0 };
        state.cost += cost;
        state.waiting.push_back(QueuedJob { item, cost, reports });
        drop(state);
        self.0.changed.notify_all();
    }

    /// Returns the number of dropped items: too much waited, or processing failed.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Waits until all items are processed, for `time` at most.
    pub(crate) fn flush(&self, time: Duration) {
        let is_busy = |state: &mut QueueState<T>| state.is_busy || !state.waiting.is_empty();
        let waited = self.0.changed.wait_timeout_while(self.lock(), time, is_busy);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, QueueState<T>> {
        // No code under the lock can panic halfway.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Processes items, for ever.
    fn run(&self, worker: &mut impl Worker<T>) {
        self.lock().worker = Some(thread::current().id());
        // The time of the last report of dropped items.
        let mut noticed: Option<Instant> = None;
        loop {
            let QueuedJob { item, cost, reports } = self.next();
            let is_done = worker.process(item);
            let is_due = noticed.is_none_or(|at| at.elapsed() >= NOTICE_INTERVAL);
            if let Some(dropped) = self.done(cost, reports, is_done, is_due) {
                noticed = Some(Instant::now());
                worker.report(dropped);
                self.reported();
            }
        }
    }

    /// Returns the next item, as soon as there is one.
    fn next(&self) -> QueuedJob<T> {
        let is_idle = |state: &mut QueueState<T>| state.waiting.is_empty();
        let waited = self.0.changed.wait_while(self.lock(), is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_busy = true;
        state.waiting.pop_front().expect("the wait ends when there is one")
    }

    /// Notes that an item of this cost was processed, or failed. Returns how many dropped items to report now, if any: until then
    /// the thread counts as busy, so that a flush waits for the report.
    fn done(&self, cost: usize, reports: u64, is_done: bool, is_due: bool) -> Option<u64> {
        let mut state = self.lock();
        state.cost -= cost;
        if !is_done {
            // A report that failed is no dropped item: its number moves to the next report.
            state.unreported += reports.max(1);
            if reports == 0 {
                self.0.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        // Not after a failure: the report would fail too, and so would the next one, for ever.
        if is_done && state.unreported > 0 && (is_due || state.waiting.is_empty()) {
            state.reporting = std::mem::take(&mut state.unreported);
            return Some(state.reporting);
        }
        state.is_busy = false;
        drop(state);
        self.0.changed.notify_all();
        None
    }

    /// Notes that the dropped items were reported. The report may have queued nothing.
    fn reported(&self) {
        let mut state = self.lock();
        (state.reporting, state.is_busy) = (0, false);
        drop(state);
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Waits for permission before each item, and sends what it has processed.
    struct Slow {
        is_at_it: mpsc::Sender<()>,
        may: mpsc::Receiver<()>,
        done: mpsc::Sender<String>,
    }

    impl Worker<u32> for Slow {
        fn process(&mut self, item: u32) -> bool {
            let _ = (self.is_at_it.send(()), self.may.recv());
            self.done.send(item.to_string()).is_ok()
        }

        fn report(&mut self, dropped: u64) {
            self.done.send(format!("{dropped} dropped")).unwrap();
        }
    }

    #[test]
    fn a_flush_waits_until_dropped_items_are_reported() {
        for _ in 0..500 {
            let queue = WorkerQueue::new(1);
            let ((is_at_it, begun), (may, waits), (done, all)) = (mpsc::channel(), mpsc::channel(), mpsc::channel());
            queue.start("test", Slow { is_at_it, may: waits, done }).unwrap();
            queue.add(0, 1);
            begun.recv().unwrap();
            queue.add(1, 1);
            drop(may);
            queue.flush(Duration::from_secs(60));
            assert_eq!(all.try_iter().collect::<Vec<_>>(), ["0", "1 dropped"]);
        }
    }

    #[test]
    fn adding_never_blocks_and_dropped_items_are_counted_and_reported() {
        const COST_MAX: u32 = 64;
        let queue = WorkerQueue::new(64);
        let ((is_at_it, begun), (may, waits), (done, all)) = (mpsc::channel(), mpsc::channel(), mpsc::channel());
        queue.start("test", Slow { is_at_it, may: waits, done }).unwrap();
        queue.add(0, 1);
        begun.recv().unwrap();
        for number in 1..COST_MAX + 10 {
            queue.add(number, 1);
        }
        let since = Instant::now();
        queue.flush(Duration::from_millis(20));
        assert!(since.elapsed() < Duration::from_secs(10), "it does not wait for ever");
        assert!(all.try_recv().is_err());
        assert_eq!(queue.dropped(), 10);
        drop(may);
        queue.flush(Duration::from_secs(60));
        let done: Vec<_> = all.try_iter().filter(|done| !done.contains("dropped")).collect();
        assert_eq!(done, (0..COST_MAX).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}
