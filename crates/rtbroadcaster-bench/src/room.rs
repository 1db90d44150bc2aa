//! What the threads of a run know together: when messages of each room were said, and how far its viewers are.
//! Must not know sockets.

use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::plan::{Pace, Plan};

/// The clock of a run: nanoseconds since its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn nanos(self) -> u64 {
        nanos(self.0.elapsed())
    }
}

/// A duration as the clock counts.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("a run is shorter than 584 years")
}

/// When messages are said, and when they are measured, by the clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) start: u64,
    pub(crate) measured_from: u64,
    pub(crate) until: u64,
}

/// What everybody does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum Phase {
    /// Viewers join.
    Join,
    /// Those of the storm join.
    Storm,
    /// The publisher of a relay says probes.
    Probe,
    Speak,
    /// Nothing new is said.
    Drain,
    End,
}

const PHASES: [Phase; 6] = [Phase::Join, Phase::Storm, Phase::Probe, Phase::Speak, Phase::Drain, Phase::End];

/// What the threads of a run share.
pub(crate) struct Shared {
    pub(crate) plan: Plan,
    pub(crate) clock: Clock,
    pub(crate) rooms: Vec<Room>,
    /// Known when the first message is said.
    pub(crate) schedule: OnceLock<Schedule>,
    phase: AtomicU8,
    /// How many viewers have joined.
    pub(crate) joined: AtomicU32,
    /// How many viewers have heard a probe.
    pub(crate) probed: AtomicU32,
    /// How many deliveries each thread of viewers has counted.
    pub(crate) delivered: Vec<AtomicU64>,
    /// How many messages the viewers of each thread have or do not wait for any more.
    pub(crate) passed: Vec<AtomicU64>,
    /// Rooms that may say more, for a publisher who sleeps.
    ready: Mutex<Vec<u32>>,
    waker: OnceLock<mio::Waker>,
}

impl Shared {
    /// What a run begins with; `names` are the rooms', in order.
    pub(crate) fn new(plan: Plan, clock: Clock, names: Vec<String>) -> Self {
        let rooms = names.into_iter().zip(plan.receivers()).enumerate();
        Self {
            rooms: rooms.map(|(number, (name, receivers))| Room::new(name, receivers, number as u64, &plan)).collect(),
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

    pub(crate) fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Acquire))]
    }

    /// Goes on; the publisher sees it at once, viewers soon.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
        self.wake();
    }

    /// Who is woken when a room may say more.
    pub(crate) fn wake_by(&self, waker: mio::Waker) {
        // There is one publisher thread.
        let _ = self.waker.set(waker);
    }

    fn wake(&self) {
        // A publisher that cannot be woken looks by itself soon.
        let _ = self.waker.get().map(mio::Waker::wake);
    }

    /// A room may say more.
    pub(crate) fn is_ready(&self, room: u32) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.push(room);
        let is_first = ready.len() == 1;
        drop(ready);
        if is_first {
            self.wake();
        }
    }

    /// Takes the rooms that may say more, in exchange for an empty list.
    pub(crate) fn take_ready(&self, taken: &mut Vec<u32>) {
        taken.clear();
        std::mem::swap(taken, &mut self.ready.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// How many deliveries all threads have counted.
    pub(crate) fn deliveries(&self) -> u64 {
        self.delivered.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// How many deliveries all threads have counted or do not wait for any more.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// How many deliveries there are when everybody has everything that was said.
    pub(crate) fn expected(&self) -> u64 {
        self.rooms.iter().map(|room| u64::from(room.said()) * u64::from(room.receivers)).sum()
    }
}

/// A count for each thread of viewers.
fn zeros(plan: &Plan) -> Vec<AtomicU64> {
    (0..plan.threads).map(|_| AtomicU64::new(0)).collect()
}

/// What is known of a room.
pub(crate) struct Room {
    /// Its name at the server.
    pub(crate) name: String,
    /// How many viewers read.
    pub(crate) receivers: u32,
    /// How many messages were said.
    said: AtomicU32,
    flight: Flight,
}

/// When messages were said.
enum Flight {
    /// Each at its time: the first one `offset` after the start, and then one each `interval`, in nanoseconds.
    Open { offset: u64, interval: u64 },
    /// When the last one was done.
    Closed { slots: Box<[Slot]>, done: AtomicU32 },
}

/// A message in flight.
#[derive(Default)]
struct Slot {
    started: AtomicU64,
    /// How many viewers do not have it yet.
    waiting: AtomicU32,
}

impl Room {
    fn new(name: String, receivers: u32, number: u64, plan: &Plan) -> Self {
        let flight = match (plan.pace, plan.interval_nanos()) {
            // The rooms take turns.
            (Pace::Rate(_), Some(interval)) => {
                Flight::Open { offset: number * interval / u64::from(plan.rooms), interval }
            }
            (Pace::Rate(_), None) => Flight::Open { offset: 0, interval: u64::MAX },
            (Pace::Window(window), _) => {
                Flight::Closed { slots: (0..window).map(|_| Slot::default()).collect(), done: AtomicU32::new(0) }
            }
        };
        Self { name, receivers, said: AtomicU32::new(0), flight }
    }

    /// How many messages were said: the number of the next one.
    pub(crate) fn said(&self) -> u32 {
        self.said.load(Ordering::Acquire)
    }

    /// When a message is due, in an open loop.
    pub(crate) fn due(&self, number: u32, start: u64) -> u64 {
        match self.flight {
            Flight::Open { offset, interval } => {
                start.saturating_add(offset).saturating_add(interval.saturating_mul(number.into()))
            }
            Flight::Closed { .. } => start,
        }
    }

    /// Whether another message may be in flight, in a closed loop.
    pub(crate) fn has_place(&self) -> bool {
        match &self.flight {
            Flight::Open { .. } => false,
            Flight::Closed { slots, done } => (self.said() - done.load(Ordering::Acquire)) as usize != slots.len(),
        }
    }

    /// The next message is said now.
    pub(crate) fn say(&self, now: u64) -> u32 {
        let number = self.said.load(Ordering::Relaxed);
        if let Flight::Closed { slots, .. } = &self.flight {
            let slot = &slots[number as usize % slots.len()];
            slot.started.store(now, Ordering::Relaxed);
            slot.waiting.store(self.receivers, Ordering::Relaxed);
        }
        // Whoever sees the new number sees its slot.
        self.said.store(number + 1, Ordering::Release);
        number
    }

    /// From when the time of a message counts that a viewer does not have yet.
    pub(crate) fn started(&self, number: u32, start: u64) -> u64 {
        match &self.flight {
            Flight::Open { .. } => self.due(number, start),
            Flight::Closed { slots, .. } => slots[number as usize % slots.len()].started.load(Ordering::Relaxed),
        }
    }

    /// A viewer has these messages, or a newer one. Whether the room may say more.
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

    fn room(window: usize, receivers: u32) -> Room {
        let slots = (0..window).map(|_| Slot::default()).collect();
        let flight = Flight::Closed { slots, done: AtomicU32::new(0) };
        Room { name: String::new(), receivers, said: AtomicU32::new(0), flight }
    }

    #[test]
    fn a_room_says_more_when_the_last_viewer_has_a_message() {
        let room = room(2, 2);
        assert_eq!((room.say(5), room.say(6), room.has_place()), (0, 1, false));
        assert_eq!((room.started(0, 0), room.started(1, 0)), (5, 6));
        assert!(!room.pass(0..2));
        assert!(!room.has_place());
        assert!(room.pass(0..1));
        assert!(room.has_place());
        assert_eq!((room.say(7), room.has_place(), room.started(2, 0)), (2, false, 7));
        assert!(room.pass(1..2));
        assert!(room.has_place());
    }

    #[test]
    fn in_an_open_loop_a_message_counts_from_when_it_was_due() {
        let flight = Flight::Open { offset: 10, interval: 100 };
        let room = Room { name: String::new(), receivers: 1, said: AtomicU32::new(0), flight };
        assert_eq!(room.say(999), 0);
        assert_eq!((room.started(0, 1_000), room.started(3, 1_000)), (1_010, 1_310));
        assert!(!room.pass(0..1) && !room.has_place());
    }
}
