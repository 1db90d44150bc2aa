//! The thread of all publishers: sends each message when it is due, or when its room has a free place in the window.
//! Must not know viewers.

use std::io;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token, Waker};

use crate::age_histograms::AgeHistograms;
use crate::failure::BenchError;
use crate::message::PROBE;
use crate::message_kind::MessageKind;
use crate::plan::Pacing;
use crate::publisher_connection::PublisherConnection;
use crate::room::{RunPhase, RunState, Schedule};

/// The longest wait for an event.
const LOOK: Duration = Duration::from_millis(20);

/// The time between two polls of the sockets while messages are due sooner than that.
const LOOK_WHILE_DUE: Duration = Duration::from_millis(5);

/// The time before the second probe of a relay. Each further probe waits twice as long, up to a limit: otherwise, the
/// probes that a slow relay has not yet sent to all viewers would pile up and disturb the measurement.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);
const PROBE_INTERVAL_MAX: Duration = Duration::from_secs(2);

/// The token of the waker.
const WAKE: Token = Token(usize::MAX);

/// The result of the publishers.
pub(crate) struct PublisherResult {
    /// Messages that were due, but that the server did not read in time.
    pub(crate) unsaid: u64,
    /// How long these were overdue at the end, once for each viewer: their age is at least that.
    pub(crate) overdue: AgeHistograms,
}

impl PublisherResult {
    /// Returns the result of publishers that sent every due message.
    pub(crate) fn everything() -> Self {
        Self { unsaid: 0, overdue: AgeHistograms::new() }
    }
}

/// The thread's state.
struct PublisherThread<'a> {
    shared: &'a RunState,
    owners: Vec<PublisherConnection>,
    poll: Poll,
    events: Events,
    /// In an open loop: how many messages of all rooms together were due; the rooms take turns.
    turn: u64,
    ready: Vec<u32>,
}

/// Runs the thread until the last phase. Each owner has the room with its number.
pub(crate) fn run(shared: &RunState, mut owners: Vec<PublisherConnection>) -> Result<PublisherResult, BenchError> {
    let poll = Poll::new().map_err(BenchError::System)?;
    shared.wake_by(Waker::new(poll.registry(), WAKE).map_err(BenchError::System)?);
    for (number, owner) in owners.iter_mut().enumerate() {
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut owner.stream, Token(number), both).map_err(BenchError::System)?;
    }
    wake_up_in_time();
    let events = Events::with_capacity(256);
    let mut publisher = PublisherThread { shared, owners, poll, events, turn: 0, ready: Vec::new() };
    let (mut unsaid, mut probe_interval) = (None, PROBE_INTERVAL);
    loop {
        match shared.phase() {
            RunPhase::Join | RunPhase::Storm => publisher.look(LOOK)?,
            RunPhase::Probe => {
                publisher.send(0, PROBE)?;
                publisher.look(probe_interval)?;
                probe_interval = (2 * probe_interval).min(PROBE_INTERVAL_MAX);
            }
            RunPhase::Send => {
                let schedule = *shared.schedule.get().expect("the schedule is set before the first message is sent");
                match shared.plan.pace {
                    Pacing::Rate(_) => publisher.send_when_due(schedule)?,
                    Pacing::Window(window) => publisher.send_in_window(schedule, window)?,
                }
                unsaid = Some(publisher.unsaid(schedule));
            }
            RunPhase::Drain => publisher.look(LOOK)?,
            RunPhase::End => {
                publisher.owners.into_iter().for_each(|owner| owner.end(&shared.plan));
                return Ok(unsaid.unwrap_or_else(PublisherResult::everything));
            }
        }
    }
}

impl PublisherThread<'_> {
    /// Open loop: until the end of the phase, sends the due messages, and sleeps until the next one is due.
    fn send_when_due(&mut self, schedule: Schedule) -> Result<(), BenchError> {
        let rooms = self.owners.len() as u64;
        let mut looked = self.shared.clock.nanos();
        while self.shared.phase() == RunPhase::Send {
            let now = self.shared.clock.nanos();
            let next = loop {
                let (room, number) = (usize::try_from(self.turn % rooms).unwrap_or(0), self.turn / rooms);
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                let due = self.shared.rooms[room].due(number, schedule.start);
                if due > now || due >= schedule.until {
                    break due.min(schedule.until.max(now));
                }
                self.turn += 1;
                self.catch_up(room, schedule, now)?;
            };
            if now.saturating_sub(looked) >= LOOK_WHILE_DUE.as_nanos().try_into().unwrap_or(0) {
                looked = now;
                self.look(Duration::ZERO)?;
            }
            // A poll would wake up to a millisecond late.
            let rest = Duration::from_nanos(next.saturating_sub(self.shared.clock.nanos()));
            std::thread::sleep(if next <= now { LOOK_WHILE_DUE } else { rest.min(LOOK_WHILE_DUE) });
        }
        Ok(())
    }

    /// Sends the due messages of a room, as far as its socket accepts them.
    fn catch_up(&mut self, room: usize, schedule: Schedule, now: u64) -> Result<(), BenchError> {
        let (owner, room) = (&mut self.owners[room], &self.shared.rooms[room]);
        loop {
            let due = room.due(room.sent(), schedule.start);
            if due > now || due >= schedule.until || owner.is_held_back() {
                return owner.flush().map(drop);
            }
            owner.queue(room.send(now));
        }
    }

    /// Closed loop: until the end of the phase, sends a message for each one that the last viewer of its room has
    /// received.
    fn send_in_window(&mut self, schedule: Schedule, window: u32) -> Result<(), BenchError> {
        let mut ready: Vec<_> = (0..self.shared.plan.rooms).collect();
        loop {
            for &room in &ready {
                let (owner, room) = (&mut self.owners[room as usize], &self.shared.rooms[room as usize]);
                for _ in 0..window {
                    let now = self.shared.clock.nanos();
                    if now >= schedule.until || !room.has_place() {
                        break;
                    }
                    owner.queue(room.send(now));
                }
                owner.flush()?;
            }
            if self.shared.phase() != RunPhase::Send {
                return Ok(());
            }
            self.look(LOOK)?;
            self.shared.take_ready(&mut self.ready);
            std::mem::swap(&mut ready, &mut self.ready);
        }
    }

    /// Writes a message at once.
    fn send(&mut self, room: usize, number: u32) -> Result<(), BenchError> {
        self.owners[room].queue(number);
        self.owners[room].flush().map(drop)
    }

    /// Waits for an event, reads, and writes to sockets that accept more.
    fn look(&mut self, limit: Duration) -> Result<(), BenchError> {
        match self.poll.poll(&mut self.events, Some(limit)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled.map_err(BenchError::System)?,
        }
        for event in self.events.iter().filter(|event| event.token() != WAKE) {
            let Token(number) = event.token();
            let owner = &mut self.owners[number];
            if event.is_readable() || event.is_read_closed() {
                owner.read()?;
            }
            owner.flush()?;
            if let (RunPhase::Send, Pacing::Rate(_), Some(&schedule)) =
                (self.shared.phase(), self.shared.plan.pace, self.shared.schedule.get())
            {
                // The owner may have been held back.
                let (owner, room) = (&mut self.owners[number], &self.shared.rooms[number]);
                let now = self.shared.clock.nanos();
                while !owner.is_held_back() && room.due(room.sent(), schedule.start) <= now.min(schedule.until - 1) {
                    owner.queue(room.send(now));
                    owner.flush()?;
                }
            }
        }
        Ok(())
    }

    /// Returns how many messages were due until the end and could not be sent.
    fn unsaid(&self, schedule: Schedule) -> PublisherResult {
        let mut result = PublisherResult::everything();
        if let Pacing::Rate(_) = self.shared.plan.pace {
            for room in &self.shared.rooms {
                let overdue = (room.sent()..).map(|number| (number, room.due(number, schedule.start)));
                for (number, due) in overdue.take_while(|(_, due)| *due < schedule.until) {
                    result.unsaid += 1;
                    if due >= schedule.measured_from {
                        // The value is below the histogram's highest: a run is not that long.
                        let ages = result.overdue.of(MessageKind::of(self.shared.plan.kind, number));
                        let _ = ages.record_n(schedule.until - due, room.receivers.into());
                    }
                }
            }
        }
        result
    }
}

/// Sets the timer slack to 1 ns. By default, Linux wakes sleepers up to 50 microseconds late, which would count as
/// latency.
fn wake_up_in_time() {
    #[cfg(target_os = "linux")]
    // If it fails, times are slightly longer, but not wrong.
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
}
