//! The order in which a thread takes locks, which debug builds check, and log lines that wait until no room and no list of
//! rooms is locked. Must not know what the locks guard. docs/locks.md has all locks with their ranks.

use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut};

/// The place of a lock in the order: a thread that holds one takes only locks of a higher rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LockRank(u8);

impl LockRank {
    /// A room.
    pub(crate) const ROOM: Self = Self(1);
    /// The list of rooms, a roster, the clients in no room, the queue of expiries, the pulse of the engine.
    pub(crate) const COLLECTION: Self = Self(2);
    /// An outbox, a lane's queue.
    pub(crate) const CONNECTION: Self = Self(3);
    /// Counts, rights, lags: nothing else is locked under these.
    pub(crate) const LEAF: Self = Self(5);
}

thread_local! {
    /// The ranks of the locks that this thread holds.
    #[cfg(debug_assertions)]
    static HELD: RefCell<Vec<LockRank>> = const { RefCell::new(Vec::new()) };
    /// How many locks this thread holds that log lines wait for.
    static DEFERRING: Cell<usize> = const { Cell::new(0) };
    /// Whether log lines wait. A flag of its own, since it is read whenever a lock is released.
    static WAITING: Cell<bool> = const { Cell::new(false) };
    /// The log lines that wait.
    static LINES: RefCell<Vec<Box<dyn FnOnce()>>> = const { RefCell::new(Vec::new()) };
}

/// A guard of a lock whose rank was checked.
#[derive(Debug)]
pub(crate) struct Ordered<G> {
    // Dropped in this order: the lock first.
    guard: G,
    _held: HeldRank,
}

/// Takes a lock of this rank by `lock`.
///
/// # Panics
/// In debug builds, if this thread holds a lock of the same or a higher rank.
pub(crate) fn ordered<G>(rank: LockRank, lock: impl FnOnce() -> G) -> Ordered<G> {
    let held = HeldRank::new(rank);
    Ordered { guard: lock(), _held: held }
}

impl<G: Deref> Deref for Ordered<G> {
    type Target = G::Target;

    fn deref(&self) -> &G::Target {
        &self.guard
    }
}

impl<G: DerefMut> DerefMut for Ordered<G> {
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.guard
    }
}

/// Notes that this thread holds a lock, until it is dropped. Nothing in release builds.
#[derive(Debug)]
struct HeldRank {
    #[cfg(debug_assertions)]
    rank: LockRank,
}

impl HeldRank {
    fn new(rank: LockRank) -> Self {
        #[cfg(debug_assertions)]
        HELD.with_borrow_mut(|held| {
            let last = held.iter().max();
            assert!(last.is_none_or(|last| *last < rank), "a lock of {rank:?} is taken under one of {last:?}");
            held.push(rank);
        });
        #[cfg(not(debug_assertions))]
        let _ = rank;
        Self {
            #[cfg(debug_assertions)]
            rank,
        }
    }
}

#[cfg(debug_assertions)]
impl Drop for HeldRank {
    fn drop(&mut self) {
        // Guards need not be dropped in the order in which they were made.
        HELD.with_borrow_mut(|held| {
            if let Some(at) = held.iter().rposition(|rank| *rank == self.rank) {
                held.remove(at);
            }
        });
    }
}

/// A guard of a lock under which no log line is written: [`log_later`] has the lines wait until no such lock is held.
#[derive(Debug)]
pub(crate) struct Deferring<G> {
    // Dropped in this order: the lock first.
    guard: G,
    _lines: Lines,
}

impl<G> Deferring<G> {
    /// Takes the lock by `lock`, within which log lines wait too.
    pub(crate) fn new(lock: impl FnOnce() -> G) -> Self {
        DEFERRING.set(DEFERRING.get() + 1);
        let lines = Lines;
        Self { guard: lock(), _lines: lines }
    }
}

impl<G: Deref> Deref for Deferring<G> {
    type Target = G::Target;

    fn deref(&self) -> &G::Target {
        &self.guard
    }
}

impl<G: DerefMut> DerefMut for Deferring<G> {
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.guard
    }
}

/// Writes the lines that waited, if its guard was the last one that they wait for.
#[derive(Debug)]
struct Lines;

impl Drop for Lines {
    fn drop(&mut self) {
        let left = DEFERRING.get() - 1;
        DEFERRING.set(left);
        if left == 0 && WAITING.take() {
            LINES.take().into_iter().for_each(|line| line());
        }
    }
}

/// Writes a log line by `line`: now, or when this thread holds no [`Deferring`] guard any more.
pub(crate) fn log_later(line: impl FnOnce() + 'static) {
    if DEFERRING.get() == 0 {
        line();
    } else {
        WAITING.set(true);
        LINES.with_borrow_mut(|lines| lines.push(Box::new(line)));
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn locks_are_taken_in_the_order_of_their_ranks() {
        let (room, list) = (Mutex::new(0), Mutex::new(0));
        {
            let _room = ordered(LockRank::ROOM, || room.lock().unwrap());
            let _list = ordered(LockRank::COLLECTION, || list.lock().unwrap());
        }
        // Dropped in the other order.
        let first = ordered(LockRank::ROOM, || room.lock().unwrap());
        let second = ordered(LockRank::COLLECTION, || list.lock().unwrap());
        drop(first);
        drop(second);
        let _list = ordered(LockRank::COLLECTION, || list.lock().unwrap());
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "is taken under one of")]
    fn a_lock_of_a_lower_rank_is_refused() {
        let (room, list) = (Mutex::new(0), Mutex::new(0));
        let _list = ordered(LockRank::COLLECTION, || list.lock().unwrap());
        let _room = ordered(LockRank::ROOM, || room.lock().unwrap());
    }

    #[test]
    fn a_log_line_waits_until_the_last_lock_is_released() {
        let (one, other, written) = (Mutex::new(0), Mutex::new(0), Rc::new(Cell::new(0)));
        let line = || {
            let written = Rc::clone(&written);
            log_later(move || written.set(written.get() + 1));
        };
        line();
        assert_eq!(written.get(), 1);
        let first = Deferring::new(|| one.lock().unwrap());
        let second = Deferring::new(|| other.lock().unwrap());
        line();
        line();
        drop(first);
        assert_eq!(written.get(), 1, "another lock is held");
        drop(second);
        assert_eq!(written.get(), 3);
        assert!(one.try_lock().is_ok() && other.try_lock().is_ok());
    }
}
