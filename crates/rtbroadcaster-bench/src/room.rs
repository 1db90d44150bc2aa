//! The state that the threads of a run share: when messages of each room were sent, and how many viewers have received
//! them. Must not know sockets.

use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::plan::{Pacing, RunPlan};

/// The clock of a run: nanoseconds since its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunClock(Instant);

impl RunClock {
    /// Starts the clock at 0.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn nanos(self) -> u64 {
        nanos(self.0.elapsed())
    }
}

/// Returns a duration in the clock's unit.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("a run is shorter than 584 years")
}

/// When messages are sent, and when they are measured, by the clock of the run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) start: u64,
    pub(crate) measured_from: u64,
    pub(crate) until: u64,
}

/// The phase of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum RunPhase {
    /// Viewers join.
    Join,
    /// The viewers of the join storm join.
    Storm,
    /// The publisher of a relay sends probes.
    Probe,
    /// Publishers send messages.
    Send,
    /// No new messages are sent.
    Drain,
    End,
}

const PHASES: [RunPhase; 6] =
    [RunPhase::Join, RunPhase::Storm, RunPhase::Probe, RunPhase::Send, RunPhase::Drain, RunPhase::End];

/// The state that the threads of a run share.
pub(crate) struct RunState {
    pub(crate) plan: RunPlan,
    pub(crate) clock: RunClock,
    pub(crate) rooms: Vec<RoomProgress>,
    /// Set before the first message is sent.
    pub(crate) schedule: OnceLock<Schedule>,
    phase: AtomicU8,
    /// The number of viewers that have joined.
    pub(crate) joined: AtomicU32,
    /// The number of viewers that have received a probe.
    pub(crate) probed: AtomicU32,
    /// The number of deliveries that each thread of viewers has counted.
    pub(crate) delivered: Vec<AtomicU64>,
    /// The number of messages that the viewers of each thread have received or do not expect any more.
    pub(crate) passed: Vec<AtomicU64>,
    /// The rooms that may send more, for a sleeping publisher thread.
    ready: Mutex<Vec<u32>>,
    waker: OnceLock<mio::Waker>,
}

impl RunState {
    /// Returns the state at the beginning of a run; `names` are the names of the rooms, in order.
    pub(crate) fn new(plan: RunPlan, clock: RunClock, names: Vec<String>) -> Self {
        let rooms = names.into_iter().zip(plan.receivers()).enumerate();
        Self {
            rooms: rooms
                .map(|(number, (name, receivers))| RoomProgress::new(name, receivers, number as u64, &plan))
                .collect(),
            delivered: zeros(&plan),
            passed: zeros(&plan),
            plan,
            clock,
            schedule: OnceLock::new(),
            phase: AtomicU8::new(0),
            joined: AtomicU32::new(0),
            probed: AtomicU32::new(0),
            ready: Mutex::default(),
            waker: OnceLock::new(),
        }
    }

    pub(crate) fn phase(&self) -> RunPhase {
        PHASES[usize::from(self.phase.load(Ordering::Acquire))]
    }

    /// Enters the next phase. The publisher thread sees it at once, threads of viewers after their next poll.
    pub(crate) fn enter(&self, phase: RunPhase) {
        self.phase.store(phase as u8, Ordering::Release);
        self.wake();
    }

    /// Sets the waker of the publisher thread.
    pub(crate) fn wake_by(&self, waker: mio::Waker) {
        // The only publisher thread calls this once.
        let _ = self.waker.set(waker);
    }

    fn wake(&self) {
        // If the waker fails, the publisher thread wakes up by its own timeout.
        let _ = self.waker.get().map(mio::Waker::wake);
    }

    /// Notes that a room may send more, and wakes the publisher thread.
    pub(crate) fn mark_ready(&self, room: u32) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.push(room);
        let is_first = ready.len() == 1;
        drop(ready);
        if is_first {
            self.wake();
        }
    }

    /// Moves the rooms that may send more to `taken`.
    pub(crate) fn take_ready(&self, taken: &mut Vec<u32>) {
        taken.clear();
        std::mem::swap(taken, &mut self.ready.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns how many deliveries all threads have counted.
    pub(crate) fn deliveries(&self) -> u64 {
        self.delivered.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Returns how many deliveries all threads have counted or do not expect any more.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Returns how many deliveries there are once each viewer has received each message.
    pub(crate) fn expected(&self) -> u64 {
        self.rooms.iter().map(|room| u64::from(room.sent()) * u64::from(room.receivers)).sum()
    }
}

/// Returns a zero count for each thread of viewers.
fn zeros(plan: &RunPlan) -> Vec<AtomicU64> {
    (0..plan.threads).map(|_| AtomicU64::new(0)).collect()
}

/// The progress of a room.
pub(crate) struct RoomProgress {
    /// The name of the room at the server.
    pub(crate) name: String,
    /// The number of viewers that read.
    pub(crate) receivers: u32,
    /// The number of sent messages.
    sent: AtomicU32,
    flight: Flight,
}

/// When messages of a room are sent.
enum Flight {
    /// At fixed times: the first one `offset` after the start, and then one each `interval`, in nanoseconds.
    Open { offset: u64, interval: u64 },
    /// When all viewers have received an earlier one.
    Closed { slots: Box<[Slot]>, done: AtomicU32 },
}

/// A message in flight.
#[derive(Default)]
struct Slot {
    started: AtomicU64,
    /// The number of viewers that have not received it yet.
    waiting: AtomicU32,
}

impl RoomProgress {
    fn new(name: String, receivers: u32, number: u64, plan: &RunPlan) -> Self {
        let flight = match (plan.pace, plan.interval_nanos()) {
            // The rooms take turns.
            (Pacing::Rate(_), Some(interval)) => {
                Flight::Open { offset: number * interval / u64::from(plan.rooms), interval }
            }
            (Pacing::Rate(_), None) => Flight::Open { offset: 0, interval: u64::MAX },
            (Pacing::Window(window), _) => {
                Flight::Closed { slots: (0..window).map(|_| Slot::default()).collect(), done: AtomicU32::new(0) }
            }
        };
        Self { name, receivers, sent: AtomicU32::new(0), flight }
    }

    /// Returns how many messages were sent, which is the number of the next one.
    pub(crate) fn sent(&self) -> u32 {
        self.sent.load(Ordering::Acquire)
    }

    /// Returns when a message is due, in an open loop.
    pub(crate) fn due(&self, number: u32, start: u64) -> u64 {
        match self.flight {
            Flight::Open { offset, interval } => {
                start.saturating_add(offset).saturating_add(interval.saturating_mul(number.into()))
            }
            Flight::Closed { .. } => start,
        }
    }

    /// Returns whether another message may be in flight, in a closed loop.
    pub(crate) fn has_place(&self) -> bool {
        match &self.flight {
            Flight::Open { .. } => false,
            Flight::Closed { slots, done } => (self.sent() - done.load(Ordering::Acquire)) as usize != slots.len(),
        }
    }

    /// Notes that the next message is sent now, and returns its number.
    pub(crate) fn send(&self, now: u64) -> u32 {
        let number = self.sent.load(Ordering::Relaxed);
        if let Flight::Closed { slots, .. } = &self.flight {
            let slot = &slots[number as usize % slots.len()];
            slot.started.store(now, Ordering::Relaxed);
            slot.waiting.store(self.receivers, Ordering::Relaxed);
        }
        // Release: a thread that reads the new number also reads its slot.
        self.sent.store(number + 1, Ordering::Release);
        number
    }

    /// Returns when the age of a message begins, which some viewer has not received yet.
    pub(crate) fn started(&self, number: u32, start: u64) -> u64 {
        match &self.flight {
            Flight::Open { .. } => self.due(number, start),
            Flight::Closed { slots, .. } => slots[number as usize % slots.len()].started.load(Ordering::Relaxed),
        }
    }

    /// Notes that a viewer has received these messages, or a newer one. Returns whether the room may send more.
    pub(crate) fn pass(&self, numbers: Range<u32>) -> bool {
        let Flight::Closed { slots, done } = &self.flight else { return false };
        let mut completed = 0;
        for number in numbers {
            completed += u32::from(slots[number as usize % slots.len()].waiting.fetch_sub(1, Ordering::AcqRel) == 1);
        }
        if completed > 0 {
            done.fetch_add(completed, Ordering::AcqRel);
        }
        completed > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(window: usize, receivers: u32) -> RoomProgress {
        let slots = (0..window).map(|_| Slot::default()).collect();
        let flight = Flight::Closed { slots, done: AtomicU32::new(0) };
        RoomProgress { name: String::new(), receivers, sent: AtomicU32::new(0), flight }
    }

    #[test]
    fn a_room_says_more_when_the_last_viewer_has_a_message() {
        let room = room(2, 2);
        assert_eq!((room.send(5), room.send(6), room.has_place()), (0, 1, false));
        assert_eq!((room.started(0, 0), room.started(1, 0)), (5, 6));
        assert!(!room.pass(0..2));
        assert!(!room.has_place());
        assert!(room.pass(0..1));
        assert!(room.has_place());
        assert_eq!((room.send(7), room.has_place(), room.started(2, 0)), (2, false, 7));
        assert!(room.pass(1..2));
        assert!(room.has_place());
    }

    #[test]
    fn in_an_open_loop_a_message_counts_from_when_it_was_due() {
        let flight = Flight::Open { offset: 10, interval: 100 };
        let room = RoomProgress { name: String::new(), receivers: 1, sent: AtomicU32::new(0), flight };
        assert_eq!(room.send(999), 0);
        assert_eq!((room.started(0, 1_000), room.started(3, 1_000)), (1_010, 1_310));
        assert!(!room.pass(0..1) && !room.has_place());
    }
}
