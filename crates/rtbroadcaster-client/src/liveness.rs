//! Whether a connection still carries anything: when to ask the server for a sign of life, what to show meanwhile, and when
//! to give the connection up. Pure: takes the time from outside, always since its client began. Must not know sockets.
//!
//! A connection is given up only when a probe (`ping`) found nothing. A deadline that fires late gives no verdict: the
//! machine was asleep or busy, and the answer may wait in the socket.

mod memory;
#[cfg(test)]
mod tests;

use std::time::Duration;

use memory::Memory;

/// How many intervals of the server may pass without a sign of life.
const MISSED_MAX: u32 = 2;

/// How late a deadline may fire for its verdict to count.
const LATE: Duration = Duration::from_secs(3);

/// How long a probe may be out until the program is told that the connection is being checked.
const CHECKING: Duration = Duration::from_millis(1_500);

/// How long a publish may be unacknowledged until the connection is probed.
const OWED: Duration = Duration::from_secs(2);

/// How long the socket may take nothing of ours until a probe's time runs all the same.
const STALLED: Duration = Duration::from_secs(10);

/// How often it is looked whether the socket has taken the probe.
const LOOK: Duration = Duration::from_millis(250);

/// The shortest time between two probes: a server takes 20 a second.
const PROBE_EVERY: Duration = Duration::from_millis(250);

/// The slowest way up that is planned for, in bytes a second. What the kernel has taken of ours is not seen any more, but
/// at this pace the probe still waits behind it.
const SLOWEST_BYTES: u32 = 2_048;

/// What a server has told of its signs of life, in the answer that let the client in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signs {
    /// The time between two heartbeats; `None` where there are none.
    pub(super) alive: Option<Duration>,
    /// Within this time the server plans to send the next frame; `None` without heartbeats, and of an older server.
    pub(super) next: Option<Duration>,
    /// Whether it answers pings.
    pub(super) answers_pings: bool,
}

/// What can be seen of a connection at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    /// When bytes came last.
    pub(super) read: Duration,
    /// When the socket took bytes of ours last.
    pub(super) written: Duration,
    /// Whether it has taken the last probe, and so all that was said before that.
    pub(super) has_taken_probe: bool,
    /// Since when the server owes an answer to what was published.
    pub(super) owed: Option<Duration>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Nothing,
    /// Send a ping.
    Probe,
    /// The connection carries nothing any more.
    GiveUp,
}

/// One client's view of its connections.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    memory: Memory,
    /// The present connection, once it has let the client in.
    link: Option<Link>,
}

/// One connection.
#[derive(Debug)]
struct Link {
    signs: Signs,
    /// When the client was let in.
    entered: Duration,
    /// When something came last.
    heard: Duration,
    /// When the slowest way up that is planned for has carried all of ours.
    carried: Duration,
    /// The deadline that was given out last.
    armed: Option<Duration>,
    /// Something happened in which a connection may have died.
    is_suspect: bool,
    probe: Option<Probe>,
    /// When the last probe was sent.
    probed: Option<Duration>,
}

/// A ping without an answer.
#[derive(Debug, Clone, Copy)]
struct Probe {
    asked: Duration,
    /// When the socket had taken it.
    flushed: Option<Duration>,
    /// When the slowest way up that is planned for has carried what was said before it. What is said later waits behind it
    /// and gives it no time: an owner that goes on speaking on a dead path would never leave that otherwise.
    carried: Duration,
    /// Whether the program was told.
    is_shown: bool,
}

impl Liveness {
    /// The server has let the client in, and waits `grace` for it if it is an owner.
    pub(super) fn entered(&mut self, signs: Signs, grace: Option<Duration>, now: Duration) {
        self.memory.entered(grace, now);
        let (heard, carried) = (now, now);
        self.link = Some(Link {
            signs,
            entered: now,
            heard,
            carried,
            armed: None,
            is_suspect: false,
            probe: None,
            probed: None,
        });
    }

    /// Whether the present connection has let the client in.
    pub(super) fn has_entered(&self) -> bool {
        self.link.is_some()
    }

    /// The connection has ended, because a probe found nothing or for another reason.
    pub(super) fn left(&mut self, by_probe: bool, now: Duration) {
        if self.link.take().is_some() {
            self.memory.left(by_probe, now);
        }
    }

    /// The server tells another interval.
    pub(super) fn plans(&mut self, next: Duration) {
        if let Some(link) = &mut self.link {
            link.signs.next = Some(next);
        }
    }

    /// A frame has come: it answers the probe.
    pub(super) fn heard(&mut self, now: Duration) {
        let Some(link) = &mut self.link else { return };
        let is_late = link.is_late(now);
        link.heard = link.heard.max(now);
        if let (Some(probe), false) = (link.probe.take(), is_late) {
            self.memory.answered(now.saturating_sub(probe.flushed.unwrap_or(probe.asked)));
        }
    }

    /// The program has not let the client read, which does not mean that nothing came.
    pub(super) fn was_not_read(&mut self, now: Duration) {
        if let Some(link) = &mut self.link {
            link.excuse(now);
            link.heard = link.heard.max(now);
        }
    }

    /// So many bytes are handed to the socket.
    pub(super) fn said(&mut self, bytes: usize, now: Duration) {
        if let Some(link) = &mut self.link {
            link.carried = link.carried.max(now).saturating_add(time_of(bytes));
        }
    }

    /// The server has shown that at most so many bytes are still on their way to it.
    pub(super) fn proven(&mut self, left: usize, now: Duration) {
        if let Some(link) = &mut self.link {
            link.carried = link.carried.min(now.saturating_add(time_of(left)));
        }
    }

    /// The machine has slept, or the program wants to know.
    pub(super) fn suspect(&mut self, now: Duration) {
        if let Some(link) = &mut self.link {
            link.excuse(now);
            link.is_suspect = link.probe.is_none();
        }
    }

    /// Whether a probe is out for so long that the program is told.
    pub(super) fn is_checking(&self, now: Duration) -> bool {
        let probe = self.link.as_ref().and_then(|link| link.probe);
        probe.is_some_and(|probe| probe.is_shown || now >= probe.asked.saturating_add(CHECKING))
    }

    /// What is to be done now. A probe that this asks for is out from then on.
    pub(super) fn step(&mut self, view: View, now: Duration) -> Step {
        self.look(view, now);
        let limit = self.memory.limit();
        let Some(link) = &mut self.link else { return Step::Nothing };
        match link.rule() {
            Rule::None => Step::Nothing,
            Rule::Silence(time) if link.heard.saturating_add(time) <= now => Step::GiveUp,
            Rule::Silence(_) => Step::Nothing,
            Rule::Probes => match link.probe {
                Some(_) if link.ends(view, limit).is_some_and(|end| end <= now) => Step::GiveUp,
                Some(_) => Step::Nothing,
                None if link.asks(view).is_some_and(|moment| moment <= now) => {
                    (link.is_suspect, link.probed) = (false, Some(now));
                    link.probe = Some(Probe { asked: now, flushed: None, carried: link.carried, is_shown: false });
                    Step::Probe
                }
                None => Step::Nothing,
            },
        }
    }

    /// When to ask for the next step if nothing changes.
    pub(super) fn due(&mut self, view: View, now: Duration) -> Option<Duration> {
        self.look(view, now);
        let limit = self.memory.limit();
        let link = self.link.as_mut()?;
        link.armed = match (link.rule(), link.probe) {
            (Rule::None, _) => None,
            (Rule::Silence(time), _) => Some(link.heard.saturating_add(time)),
            (Rule::Probes, None) => link.asks(view),
            (Rule::Probes, Some(probe)) => {
                let shown = Some(probe.asked.saturating_add(CHECKING)).filter(|_| !probe.is_shown);
                let looked = Some(now.saturating_add(LOOK)).filter(|_| probe.flushed.is_none());
                [shown, looked, link.ends(view, limit)].into_iter().flatten().min()
            }
        };
        link.armed
    }

    /// Takes in what can be seen.
    fn look(&mut self, view: View, now: Duration) {
        self.memory.calm(now);
        let Some(link) = &mut self.link else { return };
        if link.is_late(now) {
            link.excuse(now);
            link.is_suspect |= link.probe.is_none();
            link.heard = if link.rule() == Rule::Probes { link.heard } else { now };
        }
        if view.read > link.heard {
            // Bytes of a frame that is still coming are as good as a frame.
            let read = view.read;
            self.heard(read);
        }
        let Some(probe) = self.link.as_mut().and_then(|link| link.probe.as_mut()) else { return };
        if view.has_taken_probe && probe.flushed.is_none() {
            probe.flushed = Some(view.written.max(probe.asked));
        }
        probe.is_shown |= now >= probe.asked.saturating_add(CHECKING);
    }
}

/// How a connection is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Not at all.
    None,
    /// So much silence is the end: the server answers no pings.
    Silence(Duration),
    /// By probes.
    Probes,
}

impl Link {
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

    /// What was waited for up to now says nothing.
    fn excuse(&mut self, now: Duration) {
        self.armed = None;
        if let Some(probe) = &mut self.probe {
            (probe.asked, probe.flushed) = (now, probe.flushed.map(|_| now));
        }
    }

    /// When to probe.
    fn asks(&self, view: View) -> Option<Duration> {
        if self.is_suspect {
            return Some(self.probed.map_or(Duration::ZERO, |probed| probed.saturating_add(PROBE_EVERY)));
        }
        let silence = self.signs.next.map(|next| self.heard.saturating_add(next.saturating_mul(MISSED_MAX)));
        let owed = view.owed.map(|since| since.max(self.heard).max(self.entered).saturating_add(OWED));
        silence.into_iter().chain(owed).min()
    }

    /// When the probe has found nothing; `None` while that is not known.
    fn ends(&self, view: View, limit: Duration) -> Option<Duration> {
        let probe = self.probe?;
        let from = match probe.flushed {
            // A server sends its next frame whatever comes to it, so after that the way up excuses nothing.
            Some(flushed) => {
                let excused = self.heard.saturating_add(self.signs.next.unwrap_or_default().max(STALLED));
                flushed.max(probe.carried.min(excused))
            }
            None => view.written.max(self.entered).saturating_add(STALLED).max(probe.asked),
        };
        Some(from.saturating_add(limit))
    }
}

/// How long the slowest way up takes for so many bytes.
fn time_of(bytes: usize) -> Duration {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    Duration::from_secs(u64::from(bytes)) / SLOWEST_BYTES
}
