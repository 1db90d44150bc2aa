//! When a client has to have done something, and what happens otherwise.
//! Pure: it takes the time as an argument.

use std::time::Duration;

use crate::backlog::Ending;
use crate::close::CloseReason;
use crate::config::Config;

/// How often an owner whose room has viewers is pinged, and how long it may be silent: they wait for it.
const OWNER_PING: Duration = Duration::from_secs(5);
const OWNER_SILENCE: Duration = Duration::from_secs(10);

/// How often an owner gets a sign of life while nothing is read from it.
const HELD_PING: Duration = Duration::from_secs(1);

/// How long one message may take from its first byte to its last. Where the protocol is patient, as many bytes as come in a
/// second over a slow link gain it one more second.
const MESSAGE: Duration = Duration::from_secs(10);
const MESSAGE_BYTES_PER_SECOND: usize = 2_048;

/// How long a cut connection may take to accept its close frame.
const CUT: Duration = Duration::from_secs(1);

/// What has to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Ask whether the peer is there.
    Ping,
    /// End the connection.
    Close(CloseReason),
    /// End it without a word: the peer takes not even the close.
    Abandon,
}

/// What an owner was told last of how often it hears from the server: that stands until it is told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Nothing, as its protocol has no words for it.
    Nothing,
    /// As often as others.
    Usual,
    /// More often, since somebody watches.
    Brisk,
}

/// The times of one client.
#[derive(Debug)]
pub struct Deadlines {
    /// For the first valid message.
    first_message: Option<Duration>,
    /// For a room.
    join: Option<Duration>,
    /// `ping_interval`.
    ping_interval: Option<Duration>,
    /// Whether a message that comes slowly has more time, see [`MESSAGE_BYTES_PER_SECOND`].
    is_patient: bool,
    /// When the message began of which not everything has come.
    message: Option<Duration>,
    /// How many seconds more it has gained by what has come of it.
    gained: u32,
    /// Since when nothing is read, because what is asked has to wait.
    held: Option<Duration>,
    /// When something came from the peer.
    heard: Duration,
    /// When it was pinged by its own task.
    pinged: Duration,
    /// Since when somebody watches the room that this client owns.
    watched: Option<Duration>,
    told: Told,
    /// For the close frame to be taken.
    cut: Option<Duration>,
}

impl Deadlines {
    /// Returns those of a client that was `accepted` then. `is_patient` says whether its protocol has patience with messages
    /// that come slowly.
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
            told: Told::Nothing,
            cut: None,
        }
    }

    /// A valid message came.
    pub fn understood(&mut self) {
        self.first_message = None;
    }

    /// The client is in a room.
    pub fn entered(&mut self) {
        self.join = None;
    }

    /// Something came.
    pub fn heard(&mut self, now: Duration) {
        self.heard = now;
    }

    /// Something was read: whether a message ended with it, whether another one has begun, and how many bytes of that have
    /// come.
    pub fn read(&mut self, ended: bool, begun: bool, bytes: usize, now: Duration) {
        let since = self.message.filter(|_| !ended);
        self.message = begun.then(|| since.unwrap_or(now));
        let seconds = if self.is_patient { bytes / MESSAGE_BYTES_PER_SECOND } else { 0 };
        self.gained = u32::try_from(seconds).unwrap_or(u32::MAX);
    }

    /// Nothing is read from now on.
    pub fn hold(&mut self, now: Duration) {
        self.held.get_or_insert(now);
    }

    /// Whether nothing is read.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Something may be read again.
    pub fn release(&mut self, now: Duration) {
        if let Some(since) = self.held.take() {
            self.paused(now.saturating_sub(since));
        }
    }

    /// Returns within which time an owner whose room has so many `viewers` hears from the server again, which it is told now;
    /// `None` without heartbeats.
    pub fn promise(&mut self, viewers: usize) -> Option<Duration> {
        self.told = if viewers > 0 { Told::Brisk } else { Told::Usual };
        self.interval(viewers)
    }

    /// Nothing was read for `time`, as when an owner is slowed: the peer could neither end its message nor be heard.
    pub fn paused(&mut self, time: Duration) {
        self.heard = self.heard.saturating_add(time);
        self.message = self.message.map(|since| since.saturating_add(time));
    }

    /// `viewers` watch the room that this client owns; `None` if it owns none.
    pub fn watched(&mut self, viewers: Option<usize>, now: Duration) {
        self.watched = if viewers.is_some_and(|viewers| viewers > 0) { self.watched.or(Some(now)) } else { None };
    }

    /// The connection ends; a cut one has little time.
    pub fn leaving(&mut self, ending: Ending, now: Duration) {
        self.first_message = None;
        self.join = None;
        self.message = None;
        if ending == Ending::Cut {
            self.cut.get_or_insert(now + CUT);
        }
    }

    /// When to look again. `viewers` is for an owner, `stall` for a peer whose socket takes nothing.
    pub fn next(&self, viewers: Option<usize>, stall: Option<Duration>) -> Option<Duration> {
        let owner = viewers.and_then(|viewers| self.owner(viewers));
        let owner = owner.map(|(ping, silent)| silent.map_or(ping, |silent| ping.min(silent)));
        [self.first_message, self.join, self.message(), self.cut, self.stall(stall), owner].into_iter().flatten().min()
    }

    /// What has to happen now.
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
            if self.told != Told::Nothing {
                // The frame that goes with it tells the interval.
                self.promise(viewers.unwrap_or_default());
            }
            Due::Ping
        })
    }

    /// When the message under way has taken too long.
    fn message(&self) -> Option<Duration> {
        let gained = Duration::from_secs(self.gained.into());
        self.message.map(|since| since.saturating_add(MESSAGE).saturating_add(gained))
    }

    /// A peer that was cut has its own deadline.
    fn stall(&self, stall: Option<Duration>) -> Option<Duration> {
        stall.filter(|_| self.cut.is_none())
    }

    /// Within which time an owner hears from the server again; `None` without heartbeats.
    fn interval(&self, viewers: usize) -> Option<Duration> {
        self.ping_interval.map(|interval| if viewers > 0 { interval.min(OWNER_PING) } else { interval })
    }

    /// When to ping an owner, and when its silence has lasted too long.
    fn owner(&self, viewers: usize) -> Option<(Duration, Option<Duration>)> {
        let (usual, shortest) = (self.ping_interval?, self.interval(1)?);
        // Also an owner that speaks all the time: with the ping goes what tells it that it is heard. The interval that it was
        // told stands until the frame is out that tells a longer one.
        let ping = if viewers > 0 && self.told == Told::Usual && shortest < usual {
            // It was told a longer one, and would look for this server's next frame too late: it is told at once.
            self.pinged
        } else {
            self.pinged.saturating_add(self.interval(viewers.max(usize::from(self.told == Told::Brisk)))?)
        };
        if self.is_held() {
            // The server does not read the owner's `ping` meanwhile, so it cannot answer one.
            return Some((ping.min(self.pinged.saturating_add(HELD_PING)), None));
        }
        let silent = self.heard.saturating_add(usual.saturating_mul(2));
        // An owner that nobody watched was not pinged so often: its silence of then proves nothing.
        let since = self.heard.max(self.watched.unwrap_or_default());
        Some((ping, Some(if viewers == 0 { silent } else { silent.min(since.saturating_add(OWNER_SILENCE)) })))
    }
}

#[cfg(test)]
mod tests;
