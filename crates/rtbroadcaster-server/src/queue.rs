//! A queue with a thread of its own: whoever adds to it waits for nobody, and what there is no room for is dropped and counted.
//! Must not know what its items are.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// How often it is told what was dropped while that goes on.
const NOTICE_INTERVAL: Duration = Duration::from_secs(1);

/// What the thread does.
pub(crate) trait Work<T>: Send + 'static {
    /// Does one item, however long that takes; whether it could.
    fn is_done(&mut self, item: T) -> bool;

    /// Tells that so many items were dropped. An item that it adds for that always has room.
    fn tell(&mut self, dropped: u64);
}

/// Items on their way to the thread. Each clone is the same queue.
#[derive(Debug)]
pub(crate) struct Queue<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    /// An item was added, or none waits any more.
    changed: Condvar,
    /// How much all items may cost.
    cost_max: usize,
    /// How many were dropped.
    dropped: AtomicU64,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<Held<T>>,
    /// What these cost, and the one that is being done.
    cost: usize,
    /// One is being done.
    is_busy: bool,
    /// How many were dropped and no item that waits says so.
    untold: u64,
    /// The thread. Its own items, which tell what was dropped, always have room.
    worker: Option<ThreadId>,
    /// How many dropped ones the item tells that the thread adds now.
    telling: u64,
}

#[derive(Debug)]
struct Held<T> {
    item: T,
    cost: usize,
    /// How many dropped items it tells of.
    tells: u64,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Queue<T> {
    /// A queue of items that cost at most so much together.
    pub(crate) fn new(cost_max: usize) -> Self {
        let state = State { waiting: VecDeque::new(), cost: 0, is_busy: false, untold: 0, worker: None, telling: 0 };
        let (state, changed, dropped) = (Mutex::new(state), Condvar::new(), AtomicU64::new(0));
        Self(Arc::new(Shared { state, changed, cost_max, dropped }))
    }

    /// Starts its thread, which lasts as long as the process: it may be in something that never ends.
    ///
    /// # Errors
    /// When the system has no thread.
    pub(crate) fn start(&self, name: &str, mut work: impl Work<T>) -> io::Result<()> {
        let queue = self.clone();
        thread::Builder::new().name(name.to_owned()).spawn(move || queue.run(&mut work)).map(|_| ())
    }

    /// Adds an item of this cost, or drops and counts it when too much waits.
    pub(crate) fn add(&self, item: T, cost: usize) {
        let mut state = self.lock();
        let is_notice = state.worker == Some(thread::current().id());
        if state.cost.saturating_add(cost) > self.0.cost_max && !is_notice {
            state.untold += 1;
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let tells = if is_notice { std::mem::take(&mut state.telling) } else { 0 };
        state.cost += cost;
        state.waiting.push_back(Held { item, cost, tells });
        drop(state);
        self.0.changed.notify_all();
    }

    /// How many were dropped: too much waited, or they could not be done.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything is done, for `time` at most.
    pub(crate) fn flush(&self, time: Duration) {
        let is_busy = |state: &mut State<T>| state.is_busy || !state.waiting.is_empty();
        let waited = self.0.changed.wait_timeout_while(self.lock(), time, is_busy);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that is done under the lock can panic halfway.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what waits, for ever.
    fn run(&self, work: &mut impl Work<T>) {
        self.lock().worker = Some(thread::current().id());
        // When it was told last what was dropped.
        let mut noticed: Option<Instant> = None;
        loop {
            let Held { item, cost, tells } = self.next();
            let is_done = work.is_done(item);
            let is_due = noticed.is_none_or(|at| at.elapsed() >= NOTICE_INTERVAL);
            if let Some(dropped) = self.done(cost, tells, is_done, is_due) {
                noticed = Some(Instant::now());
                work.tell(dropped);
                self.told();
            }
        }
    }

    /// Waits for the next item.
    fn next(&self) -> Held<T> {
        let is_idle = |state: &mut State<T>| state.waiting.is_empty();
        let waited = self.0.changed.wait_while(self.lock(), is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_busy = true;
        state.waiting.pop_front().expect("the wait ends when there is one")
    }

    /// Notes that an item is done with. Returns how many dropped ones are to be told of now, if any: until that has happened the
    /// thread counts as busy, so that a flush waits for it.
    fn done(&self, cost: usize, tells: u64, is_done: bool, is_due: bool) -> Option<u64> {
        let mut state = self.lock();
        state.cost -= cost;
        if !is_done {
            // Of a notice only what it was to say counts: that is said by another one.
            state.untold += tells.max(1);
            if tells == 0 {
                self.0.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        // Not after a failure: the notice would fail too, and the next one, for ever.
        if is_done && state.untold > 0 && (is_due || state.waiting.is_empty()) {
            state.telling = std::mem::take(&mut state.untold);
            return Some(state.telling);
        }
        state.is_busy = false;
        drop(state);
        self.0.changed.notify_all();
        None
    }

    /// Notes that the work has told what was dropped. It may have added no item for that.
    fn told(&self) {
        let mut state = self.lock();
        (state.telling, state.is_busy) = (0, false);
        drop(state);
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Does nothing until it may, and tells what it does.
    struct Slow {
        is_at_it: mpsc::Sender<()>,
        may: mpsc::Receiver<()>,
        done: mpsc::Sender<String>,
    }

    impl Work<u32> for Slow {
        fn is_done(&mut self, item: u32) -> bool {
            let _ = (self.is_at_it.send(()), self.may.recv());
            self.done.send(item.to_string()).is_ok()
        }

        fn tell(&mut self, dropped: u64) {
            self.done.send(format!("{dropped} dropped")).unwrap();
        }
    }

    #[test]
    fn a_flush_waits_until_it_is_told_what_was_dropped() {
        for _ in 0..500 {
            let queue = Queue::new(1);
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
    fn nobody_waits_for_what_cannot_be_done_and_what_is_dropped_is_counted_and_told() {
        const COST_MAX: u32 = 64;
        let queue = Queue::new(64);
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
