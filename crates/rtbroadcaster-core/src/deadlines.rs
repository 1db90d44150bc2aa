//! The deadlines of one client, and the action that is due when one passes.
//! Pure: it takes the time as an argument.

use std::time::Duration;

use crate::backlog::Ending;
use crate::close::CloseReason;
use crate::config::Config;

/// How often the server pings an owner whose room has viewers, and how long it may be silent: its viewers wait for it.
const OWNER_PING: Duration = Duration::from_secs(5);
const OWNER_SILENCE: Duration = Duration::from_secs(10);

/// How often the server pings an owner from which it reads nothing.
const HELD_PING: Duration = Duration::from_secs(1);

/// How long one message may take from its first byte to its last. In a patient protocol each so many bytes gain it one
/// more second: a slow link carries them in a second.
const MESSAGE: Duration = Duration::from_secs(10);
const MESSAGE_BYTES_PER_SECOND: usize = 2_048;

/// How long a cut connection may take to accept its close frame.
const CUT: Duration = Duration::from_secs(1);

/// The action that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Ask whether the peer is there.
    Ping,
    /// End the connection.
    Close(CloseReason),
    /// End the connection without a close frame: the peer does not take one.
    Abandon,
}

/// The heartbeat interval that an owner was promised last. It stands until another one is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PromisedInterval {
    /// None, as its protocol has no words for it.
    None,
    /// The same as for others.
    Usual,
    /// A shorter one, since its room has viewers.
    Short,
}

/// The deadlines of one client.
#[derive(Debug)]
pub struct Deadlines {
    /// The deadline for the first valid message.
    first_message: Option<Duration>,
    /// The deadline for entering a room.
    join: Option<Duration>,
    /// `ping_interval`.
    ping_interval: Option<Duration>,
    /// Whether a message that arrives slowly has more time, see [`MESSAGE_BYTES_PER_SECOND`].
    is_patient: bool,
    /// When the message began that has not arrived whole.
    message: Option<Duration>,
    /// How many seconds that message has gained by the bytes that arrived.
    gained: u32,
    /// Since when the server reads nothing, because a request has to wait.
    held: Option<Duration>,
    /// When the peer sent something last.
    heard: Duration,
    /// When the client's own task pinged it last.
    pinged: Duration,
    /// Since when the room that this client owns has viewers.
    watched: Option<Duration>,
    promised: PromisedInterval,
    /// The deadline for taking the close frame.
    cut: Option<Duration>,
}

impl Deadlines {
    /// Returns the deadlines of a client that was `accepted` then. `is_patient` says whether its protocol has patience
    /// with messages that arrive slowly.
    pub fn new(config: &Config, accepted: Duration, is_patient: bool) -> Self {
        Self {
            first_message: config.first_message_timeout.after(accepted),
            join: config.join_timeout.after(accepted),
            ping_interval: config.heartbeat(),
            is_patient,
            message: None,
            gained: 0,
            held: None,
            heard: accepted,
            pinged: accepted,
            watched: None,
            promised: PromisedInterval::None,
            cut: None,
        }
    }

    /// Notes that a valid message came.
    pub fn understood(&mut self) {
        self.first_message = None;
    }

    /// Notes that the client is in a room.
    pub fn entered(&mut self) {
        self.join = None;
    }

    /// Notes that the peer sent something.
    pub fn heard(&mut self, now: Duration) {
        self.heard = now;
    }

    /// Notes a read: whether a message `ended` with it, whether another one has `begun`, and how many `bytes` of that
    /// have arrived.
    pub fn read(&mut self, ended: bool, begun: bool, bytes: usize, now: Duration) {
        let since = self.message.filter(|_| !ended);
        self.message = begun.then(|| since.unwrap_or(now));
        let seconds = if self.is_patient { bytes / MESSAGE_BYTES_PER_SECOND } else { 0 };
        self.gained = u32::try_from(seconds).unwrap_or(u32::MAX);
    }

    /// Notes that the server reads nothing from now on.
    pub fn hold(&mut self, now: Duration) {
        self.held.get_or_insert(now);
    }

    /// Returns whether the server reads nothing.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Notes that the server reads again.
    pub fn release(&mut self, now: Duration) {
        if let Some(since) = self.held.take() {
            self.paused(now.saturating_sub(since));
        }
    }

    /// Notes and returns the time within which the server writes again to an owner whose room has so many `viewers`.
    /// Returns `None` if there are no heartbeats. The caller sends the time.
    pub fn promise(&mut self, viewers: usize) -> Option<Duration> {
        self.promised = if viewers > 0 { PromisedInterval::Short } else { PromisedInterval::Usual };
        self.interval(viewers)
    }

    /// Notes that the server read nothing for `time`, as when it slows an owner: the peer could neither end its message
    /// nor be heard.
    pub fn paused(&mut self, time: Duration) {
        self.heard = self.heard.saturating_add(time);
        self.message = self.message.map(|since| since.saturating_add(time));
    }

    /// Notes that so many `viewers` watch the room that this client owns; `None` if it owns none.
    pub fn watched(&mut self, viewers: Option<usize>, now: Duration) {
        self.watched = if viewers.is_some_and(|viewers| viewers > 0) { self.watched.or(Some(now)) } else { None };
    }

    /// Notes that the connection ends; a cut one has little time.
    pub fn leaving(&mut self, ending: Ending, now: Duration) {
        self.first_message = None;
        self.join = None;
        self.message = None;
        if ending == Ending::Cut {
            self.cut.get_or_insert(now + CUT);
        }
    }

    /// Returns when to look again. `viewers` is for an owner, `stall` for a peer whose socket takes nothing.
    pub fn next(&self, viewers: Option<usize>, stall: Option<Duration>) -> Option<Duration> {
        let owner = viewers.and_then(|viewers| self.owner(viewers));
        let owner = owner.map(|(ping, silent)| silent.map_or(ping, |silent| ping.min(silent)));
        [self.first_message, self.join, self.message(), self.cut, self.stall(stall), owner].into_iter().flatten().min()
    }

    /// Returns the action that is due now.
    pub fn due(&mut self, now: Duration, viewers: Option<usize>, stall: Option<Duration>) -> Option<Due> {
        self.watched(viewers, now);
        let passed = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        if passed(self.cut) {
            return Some(Due::Abandon);
        }
        if passed(self.stall(stall)) {
            return Some(Due::Close(CloseReason::Slow));
        }
        if passed(self.message()) {
            return Some(Due::Close(if self.is_patient { CloseReason::Slow } else { CloseReason::RuleBroken }));
        }
        if passed(self.first_message) || passed(self.join) {
            return Some(Due::Close(CloseReason::NothingValid));
        }
        let (ping, silent) = self.owner(viewers?)?;
        if passed(silent) {
            return Some(Due::Close(CloseReason::NoPong));
        }
        (ping <= now).then(|| {
            self.pinged = now;
            if self.promised != PromisedInterval::None {
                // The frame that is sent with the ping carries the interval.
                self.promise(viewers.unwrap_or_default());
            }
            Due::Ping
        })
    }

    /// Returns when the message under way has taken too long.
    fn message(&self) -> Option<Duration> {
        let gained = Duration::from_secs(self.gained.into());
        self.message.map(|since| since.saturating_add(MESSAGE).saturating_add(gained))
    }

    /// Returns the stall deadline. A cut peer has its own deadline instead.
    fn stall(&self, stall: Option<Duration>) -> Option<Duration> {
        stall.filter(|_| self.cut.is_none())
    }

    /// Returns within which time the server writes to an owner again; `None` without heartbeats.
    fn interval(&self, viewers: usize) -> Option<Duration> {
        self.ping_interval.map(|interval| if viewers > 0 { interval.min(OWNER_PING) } else { interval })
    }

    /// Returns when to ping an owner, and when its silence has lasted too long.
    fn owner(&self, viewers: usize) -> Option<(Duration, Option<Duration>)> {
        let (usual, shortest) = (self.ping_interval?, self.interval(1)?);
        // Also an owner that sends all the time: the frame that is sent with the ping says that the server reads. A
        // promised interval stands until a frame with a longer one is written.
        let ping = if viewers > 0 && self.promised == PromisedInterval::Usual && shortest < usual {
            // The owner was promised a longer interval, and would look for the next frame too late: it is pinged at
            // once.
            self.pinged
        } else {
            self.pinged
                .saturating_add(self.interval(viewers.max(usize::from(self.promised == PromisedInterval::Short)))?)
        };
        if self.is_held() {
            // The server does not read the owner's `ping` meanwhile, so it cannot answer one.
            return Some((ping.min(self.pinged.saturating_add(HELD_PING)), None));
        }
        let silent = self.heard.saturating_add(usual.saturating_mul(2));
        // An owner without viewers was not pinged so often: its silence of that time proves nothing.
        let since = self.heard.max(self.watched.unwrap_or_default());
        Some((ping, Some(if viewers == 0 { silent } else { silent.min(since.saturating_add(OWNER_SILENCE)) })))
    }
}

#[cfg(test)]
mod tests;
