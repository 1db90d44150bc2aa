//! Decides whether a connection still works: when to probe it, which status to show meanwhile, and when to give it up.
//! Pure: takes the time as an argument, always since the client began. Must not know sockets.
//!
//! A connection to a server that answers pings is given up only if nothing arrived after a probe (`ping`). Only the
//! `pong` of the newest probe makes the client sure again: another frame says nothing about the way to the server. A
//! deadline that fires late gives no verdict: the machine was asleep or busy, and the answer may wait in the socket.

mod probe_timeout;
#[cfg(test)]
mod tests;

use std::time::Duration;

use probe_timeout::ProbeTimeout;

/// The most heartbeat intervals of the server without a frame.
const MISSED_MAX: u32 = 2;

/// The longest delay with which a deadline may fire for its verdict to count.
const LATE: Duration = Duration::from_secs(3);

/// The time that a probe is unanswered until the program sees the status `Checking`.
const CHECKING: Duration = Duration::from_millis(1_500);

/// The time that a publish is unacknowledged until the client probes the connection.
const OWED: Duration = Duration::from_secs(2);

/// The time without an accepted byte after which a probe's time runs even though the probe is not written.
const STALLED: Duration = Duration::from_secs(10);

/// The time between two checks whether the socket has accepted the probe.
const LOOK: Duration = Duration::from_millis(250);

/// The shortest time between two probes: a server accepts 20 per second.
const PROBE_EVERY: Duration = Duration::from_millis(250);

/// The slowest uplink that the client supports, in bytes per second. The client cannot see how much of its data the
/// kernel still holds; at this speed, a probe waits behind that data.
const SLOWEST_BYTES: u32 = 2_048;

/// The server's promises about heartbeats and pongs, from the answer that let the client into the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signs {
    /// The time between two heartbeats; `None` if there are none.
    pub(super) alive: Option<Duration>,
    /// The time within which the server plans the next frame; `None` without heartbeats, and with an older server.
    pub(super) next: Option<Duration>,
    /// Whether the server answers pings.
    pub(super) answers_pings: bool,
}

/// The observable facts of a connection at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConnectionView {
    /// When bytes were last read.
    pub(super) read: Duration,
    /// When the socket last accepted bytes.
    pub(super) written: Duration,
    /// Whether the socket has accepted the last probe, and so everything that was sent before it.
    pub(super) has_taken_probe: bool,
    /// Since when the server owes an acknowledgement.
    pub(super) owed: Option<Duration>,
}

/// The action to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LivenessStep {
    Nothing,
    /// Send a ping.
    Probe,
    /// Close the connection, which carries nothing any more.
    GiveUp,
}

/// The state of one client's liveness checks.
#[derive(Debug, Default)]
pub(super) struct LivenessMonitor {
    probe_timeout: ProbeTimeout,
    /// The present connection, once the client is in the room on it.
    connection: Option<ProbedConnection>,
}

/// One connection.
#[derive(Debug)]
struct ProbedConnection {
    signs: Signs,
    /// When bytes or a frame last arrived.
    received: Duration,
    /// When an answer last proved that the server gets what the client sends; the entry at first.
    confirmed: Duration,
    /// When an uplink of [`SLOWEST_BYTES`] has carried everything that was sent.
    carried: Duration,
    /// The deadline that [`due`](LivenessMonitor::due) returned last.
    armed: Option<Duration>,
    /// Whether to probe now, since the connection may have died.
    is_suspect: bool,
    probe: Option<Probe>,
    /// When the last probe was sent.
    probed: Option<Duration>,
}

/// A ping without an answer.
#[derive(Debug, Clone, Copy)]
struct Probe {
    /// When the probe was sent.
    asked: Duration,
    /// When the socket had accepted it.
    flushed: Option<Duration>,
    /// When an uplink of [`SLOWEST_BYTES`] has carried everything that was sent before the probe. Later data gives the
    /// probe no time; otherwise an owner that keeps publishing on a dead path would never give it up.
    carried: Duration,
    /// Whether the program has seen the status `Checking`.
    is_shown: bool,
}

impl LivenessMonitor {
    /// Notes that the client is in the room, and the room's `grace` if it is the owner.
    pub(super) fn entered(&mut self, signs: Signs, grace: Option<Duration>, now: Duration) {
        self.probe_timeout.entered(grace, now);
        self.connection = Some(ProbedConnection {
            signs,
            received: now,
            confirmed: now,
            carried: now,
            armed: None,
            is_suspect: false,
            probe: None,
            probed: None,
        });
    }

    /// Returns whether the client is in the room on the present connection.
    pub(super) fn has_entered(&self) -> bool {
        self.connection.is_some()
    }

    /// Notes that the connection has ended, and whether an unanswered probe ended it.
    pub(super) fn left(&mut self, by_probe: bool, now: Duration) {
        if self.connection.take().is_some() {
            self.probe_timeout.left(by_probe, now);
        }
    }

    /// Notes the server's new time to its next frame.
    pub(super) fn planned(&mut self, next: Duration) {
        if let Some(connection) = &mut self.connection {
            connection.signs.next = Some(next);
        }
    }

    /// Notes a frame. It restarts the timeout of the probe, and does not answer it: the frame may have waited since
    /// before a sleep, and proves nothing about the way to the server.
    pub(super) fn received(&mut self, now: Duration) {
        if let Some(connection) = &mut self.connection {
            connection.received = connection.received.max(now);
        }
    }

    /// Notes the `pong` of the newest probe.
    pub(super) fn answered(&mut self, now: Duration) {
        let Some(connection) = &mut self.connection else { return };
        let is_late = connection.is_late(now);
        if let (Some(probe), false) = (connection.probe.take(), is_late) {
            self.probe_timeout.answered(now.saturating_sub(probe.flushed.unwrap_or(probe.asked)));
        }
    }

    /// Notes that the client did not read because its program was slow. Silence up to now does not count.
    pub(super) fn was_not_read(&mut self, now: Duration) {
        if let Some(connection) = &mut self.connection {
            connection.excuse(now);
            connection.received = connection.received.max(now);
        }
    }

    /// Notes that so many bytes were handed to the socket.
    pub(super) fn sent(&mut self, bytes: usize, now: Duration) {
        if let Some(connection) = &mut self.connection {
            connection.carried = connection.carried.max(now).saturating_add(time_of(bytes));
        }
    }

    /// Notes that at most `left` bytes are still on their way, as an answer of the server proves.
    pub(super) fn proven(&mut self, left: usize, now: Duration) {
        if let Some(connection) = &mut self.connection {
            connection.confirmed = connection.confirmed.max(now);
            connection.carried = connection.carried.min(now.saturating_add(time_of(left)));
        }
    }

    /// Demands a probe, if none is out: the program asked for it.
    pub(super) fn suspect(&mut self, now: Duration) {
        if let Some(connection) = &mut self.connection {
            connection.excuse(now);
            connection.is_suspect |= connection.probe.is_none();
        }
    }

    /// Demands a probe: the machine has slept. The answer to an earlier one may have waited since before.
    pub(super) fn slept(&mut self, now: Duration) {
        if let Some(connection) = &mut self.connection {
            connection.excuse(now);
            connection.is_suspect = true;
        }
    }

    /// Returns whether a probe is unanswered for [`CHECKING`] or longer.
    pub(super) fn is_checking(&self, now: Duration) -> bool {
        let probe = self.connection.as_ref().and_then(|connection| connection.probe);
        probe.is_some_and(|probe| probe.is_shown || now >= probe.asked.saturating_add(CHECKING))
    }

    /// Returns the action to take now. A returned probe counts as sent.
    pub(super) fn step(&mut self, view: ConnectionView, now: Duration) -> LivenessStep {
        self.observe(view, now);
        let limit = self.probe_timeout.limit();
        let Some(connection) = &mut self.connection else { return LivenessStep::Nothing };
        match connection.rule() {
            Rule::None => LivenessStep::Nothing,
            Rule::Silence(time) if connection.received.saturating_add(time) <= now => LivenessStep::GiveUp,
            Rule::Silence(_) => LivenessStep::Nothing,
            Rule::Probes if connection.probe_due(view).is_some_and(|moment| moment <= now) => {
                let is_shown = connection.probe.is_some_and(|probe| probe.is_shown);
                (connection.is_suspect, connection.probed) = (false, Some(now));
                connection.probe = Some(Probe { asked: now, flushed: None, carried: connection.carried, is_shown });
                LivenessStep::Probe
            }
            Rule::Probes if connection.probe_end(view, limit).is_some_and(|end| end <= now) => LivenessStep::GiveUp,
            Rule::Probes => LivenessStep::Nothing,
        }
    }

    /// Returns when to call [`step`](Self::step) next if nothing changes.
    pub(super) fn due(&mut self, view: ConnectionView, now: Duration) -> Option<Duration> {
        self.observe(view, now);
        let limit = self.probe_timeout.limit();
        let connection = self.connection.as_mut()?;
        connection.armed = match (connection.rule(), connection.probe) {
            (Rule::None, _) => None,
            (Rule::Silence(time), _) => Some(connection.received.saturating_add(time)),
            (Rule::Probes, None) => connection.probe_due(view),
            (Rule::Probes, Some(probe)) => {
                let shown = Some(probe.asked.saturating_add(CHECKING)).filter(|_| !probe.is_shown);
                let checked = Some(now.saturating_add(LOOK)).filter(|_| probe.flushed.is_none());
                let (due, end) = (connection.probe_due(view), connection.probe_end(view, limit));
                [shown, checked, due, end].into_iter().flatten().min()
            }
        };
        connection.armed
    }

    /// Updates the state by the observed facts.
    fn observe(&mut self, view: ConnectionView, now: Duration) {
        self.probe_timeout.calm(now);
        let Some(connection) = &mut self.connection else { return };
        if connection.is_late(now) {
            connection.excuse(now);
            connection.is_suspect = true;
            connection.received = if connection.rule() == Rule::Probes { connection.received } else { now };
        }
        if view.read > connection.received {
            // Bytes of a partial frame count as a frame.
            connection.received = view.read;
        }
        let Some(probe) = self.connection.as_mut().and_then(|connection| connection.probe.as_mut()) else { return };
        if view.has_taken_probe && probe.flushed.is_none() {
            probe.flushed = Some(view.written.max(probe.asked));
        }
        probe.is_shown |= now >= probe.asked.saturating_add(CHECKING);
    }
}

/// The way in which a connection is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Without any check.
    None,
    /// By a silence limit, since the server answers no pings.
    Silence(Duration),
    /// By probes.
    Probes,
}

impl ProbedConnection {
    fn rule(&self) -> Rule {
        match self.signs {
            Signs { answers_pings: true, .. } => Rule::Probes,
            Signs { alive: Some(alive), .. } => Rule::Silence(alive.saturating_mul(MISSED_MAX)),
            Signs { alive: None, .. } => Rule::None,
        }
    }

    fn is_late(&self, now: Duration) -> bool {
        self.armed.is_some_and(|armed| now > armed.saturating_add(LATE))
    }

    /// Restarts the probe's time: a wait up to now proves nothing.
    fn excuse(&mut self, now: Duration) {
        self.armed = None;
        if let Some(probe) = &mut self.probe {
            (probe.asked, probe.flushed) = (now, probe.flushed.map(|_| now));
        }
    }

    /// Returns when to probe; `None` while a probe is unanswered, unless the machine has slept since.
    fn probe_due(&self, view: ConnectionView) -> Option<Duration> {
        if self.is_suspect {
            return Some(self.probed.map_or(Duration::ZERO, |probed| probed.saturating_add(PROBE_EVERY)));
        }
        if self.probe.is_some() {
            return None;
        }
        let silence = self.signs.next.map(|next| self.received.saturating_add(next.saturating_mul(MISSED_MAX)));
        let owed = view.owed.map(|since| since.max(self.confirmed).saturating_add(OWED));
        silence.into_iter().chain(owed).min()
    }

    /// Returns when the probe's time is over; `None` without a probe.
    fn probe_end(&self, view: ConnectionView, limit: Duration) -> Option<Duration> {
        let probe = self.probe?;
        let from = match probe.flushed {
            // The server sends its next frame whether it receives data or not. After that time, a slow uplink is no
            // excuse.
            Some(flushed) => {
                let excused = self.received.saturating_add(self.signs.next.unwrap_or_default().max(STALLED));
                flushed.max(self.received).max(probe.carried.min(excused))
            }
            None => view.written.max(self.received).saturating_add(STALLED).max(probe.asked),
        };
        Some(from.saturating_add(limit))
    }
}

/// Returns how long an uplink of [`SLOWEST_BYTES`] takes for so many bytes.
fn time_of(bytes: usize) -> Duration {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    Duration::from_secs(u64::from(bytes)) / SLOWEST_BYTES
}
