//! Decides when the next attempt to connect begins. The first attempts of an outage follow each other closely, so that
//! a short outage costs little. Then follows full jitter with a bound that doubles. A time that a server advises is a
//! lower bound: no advice makes a client try more often. Pure: takes the time as an argument. Must not know what an
//! attempt does.

#[cfg(test)]
mod tests;

use std::time::Duration;

use rtbroadcaster_core::closing::Closing;

use super::Options;
use super::random::Rng;

/// The shortest time in the room for a connection to count as steady. A steady connection resets patience
/// and the backoff, and gives back [`SHORT_STAYS_BY_STEADY`] short stays.
const STEADY: Duration = Duration::from_secs(10);

/// The number of attempts of an outage that follow each other closely. Each begins at most one first bound after the
/// previous one.
const CLOSE_ATTEMPTS: u32 = 7;

/// The most attempts before [`OUTAGE_FIRST`] is over.
const FIRST_ATTEMPTS: u32 = 8;

/// The length of the beginning of an outage, in first bounds: 10 s with the default of 500 ms.
const OUTAGE_FIRST: u32 = 20;

/// The number of doublings of the bound at once after the close attempts.
const DOUBLINGS_FIRST: u32 = 3;

/// How many stays in the room may be shorter than [`STEADY`] and still reset the backoff, how many of them a steady
/// stay gives back, and after which time one is given back anyway. Without this limit, a client would connect several
/// times a second for ever to a server that lets it in and closes at once.
const SHORT_STAYS_MAX: u32 = 8;
const SHORT_STAYS_BY_STEADY: u32 = 2;
const SHORT_STAY_EVERY: Duration = Duration::from_secs(120);

/// The shortest time between an attempt and the next one that the program or a wake-up of the machine asks for.
const HURRY: Duration = Duration::from_secs(1);

/// The shortest bound of a delay. Without a delay, a client would flood its server.
const BOUND_MIN: Duration = Duration::from_millis(1);

/// The server's advice when to reconnect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    /// None.
    None,
    /// At this moment, which it chose for this client alone.
    At(Duration),
    /// Not before this time is over.
    NotBefore(Duration),
}

/// The end of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConnectionEnd {
    /// The end of the connection.
    pub(super) closing: Closing,
    /// The advice that the server sent before.
    pub(super) advice: Advice,
}

impl From<Closing> for ConnectionEnd {
    fn from(closing: Closing) -> Self {
        Self { closing, advice: Advice::None }
    }
}

/// Why an attempt is made before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hurry {
    /// The program asked for it.
    Asked,
    /// The machine has slept.
    Slept,
}

/// The attempts of one client. All times are since the client began.
#[derive(Debug)]
pub(super) struct Backoff {
    /// The bound of the first delay.
    first: Duration,
    /// The bound of every delay.
    max: Duration,
    /// The longest time outside of the room.
    patience: Option<Duration>,
    random: Rng,
    /// The beginning of the last attempt.
    tried: Duration,
    /// The earliest time of the next attempt, by the server's advice.
    not_before: Duration,
    /// The number of delays drawn since the backoff was reset.
    attempts: u32,
    /// The value of `attempts` when a short stay reset it.
    attempts_before: u32,
    /// The number of attempts in the present outage.
    in_outage: u32,
    /// The number of short stays that still reset the backoff, and the time since which it is right.
    short_stays: (u32, Duration),
    /// The time outside since the last steady connection, without the present one.
    outside: Duration,
    /// Whether the client is in the room, and since when.
    since: (RoomPresence, Duration),
}

/// Whether the client is in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RoomPresence {
    Inside,
    Outside,
}

impl Backoff {
    pub(super) fn new(options: &Options, random: Rng) -> Self {
        let Options { backoff_first, backoff_max, patience, .. } = *options;
        let zero = Duration::ZERO;
        Self {
            first: backoff_first.max(BOUND_MIN),
            max: backoff_max.max(BOUND_MIN),
            patience,
            random,
            tried: zero,
            not_before: zero,
            attempts: 0,
            attempts_before: 0,
            in_outage: 0,
            short_stays: (SHORT_STAYS_MAX, zero),
            outside: zero,
            since: (RoomPresence::Outside, zero),
        }
    }

    /// Notes that the client is in the room and has all of its state.
    pub(super) fn entered(&mut self, now: Duration) {
        if self.since.0 == RoomPresence::Outside {
            self.outside = self.outside_by(now);
        }
        self.since = (RoomPresence::Inside, now);
    }

    /// Returns how long to wait before the next attempt; `None` if there is no further one.
    pub(super) fn next(&mut self, end: &ConnectionEnd, now: Duration) -> Option<Duration> {
        if self.since.0 == RoomPresence::Inside {
            self.end_stay(end.advice, now);
        }
        if !end.closing.comes_back() {
            return None;
        }
        let jitter = self.jitter(now);
        let (not_before, delay) = match end.advice {
            Advice::None => (now, jitter),
            // No jitter is added, since the server has spread these moments; unless the last attempt was just now.
            Advice::At(moment) => (moment, moment.max(self.tried.saturating_add(jitter)).saturating_sub(now)),
            Advice::NotBefore(time) => (now.saturating_add(time), time.saturating_add(jitter)),
        };
        self.not_before = not_before;
        let outside = self.outside_by(now).saturating_add(delay);
        self.tried = now.saturating_add(delay);
        self.patience.is_none_or(|patience| outside < patience).then_some(delay)
    }

    /// Returns how long to wait before an attempt that skips its delay; `previous` is when the last one began. The
    /// server's advice stays a lower bound.
    pub(super) fn hurried(&mut self, hurry: Hurry, previous: Duration, now: Duration) -> Duration {
        let soon = match hurry {
            Hurry::Asked => previous.saturating_add(HURRY),
            // Spread: clients that slept behind one access point must not all connect at the same moment.
            Hurry::Slept => now.saturating_add(self.random.part_of(HURRY)),
        };
        self.tried = soon.max(self.not_before).max(now);
        self.tried - now
    }

    /// Returns when patience ends if nothing changes; `None` in the room, and if patience is unlimited.
    pub(super) fn gives_up(&self) -> Option<Duration> {
        match (self.since, self.patience) {
            ((RoomPresence::Outside, since), Some(patience)) => {
                Some(since.saturating_add(patience.saturating_sub(self.outside)))
            }
            _ => None,
        }
    }

    /// Excludes from patience the time `waited`, up to now, in which the client waited for its own program.
    pub(super) fn pardon(&mut self, waited: Duration, now: Duration) {
        if self.since.0 == RoomPresence::Outside {
            self.since.1 = self.since.1.saturating_add(waited).min(now);
        }
    }

    /// Ends a stay in the room and begins an outage.
    fn end_stay(&mut self, advice: Advice, now: Duration) {
        let is_steady = now.saturating_sub(self.since.1) >= STEADY;
        self.in_outage = 0;
        self.since = (RoomPresence::Outside, now);
        let (mut short_stays, known) = self.short_stays;
        let earned = now.saturating_sub(known).as_secs() / SHORT_STAY_EVERY.as_secs();
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        short_stays = short_stays.saturating_add(earned).min(SHORT_STAYS_MAX);
        let known = known.saturating_add(SHORT_STAY_EVERY.saturating_mul(earned));
        self.attempts = self.attempts.max(self.attempts_before);
        if is_steady {
            (self.attempts, self.attempts_before, self.outside) = (0, 0, Duration::ZERO);
            short_stays = short_stays.saturating_add(SHORT_STAYS_BY_STEADY).min(SHORT_STAYS_MAX);
        } else if advice == Advice::None && short_stays > 0 {
            (self.attempts, self.attempts_before) = (0, self.attempts);
            short_stays -= 1;
        }
        self.short_stays = (short_stays, known);
    }

    /// Returns how long the client has been outside of the room since the last steady connection.
    fn outside_by(&self, now: Duration) -> Duration {
        self.outside.saturating_add(now.saturating_sub(self.since.1))
    }

    /// Returns the delay before the next attempt, without the server's advice.
    fn jitter(&mut self, now: Duration) -> Duration {
        let (attempt, in_outage) = (self.attempts, self.in_outage);
        self.attempts = self.attempts.saturating_add(1);
        self.in_outage = self.in_outage.saturating_add(1);
        let first = self.first.min(self.max);
        match attempt {
            0 => self.random.part_of(first),
            // Even the shortest six add up to more than four bounds, so the last close attempt follows an outage of 2
            // s.
            1..CLOSE_ATTEMPTS => first / 10 * 7 + self.random.part_of(first / 10 * 3),
            _ => {
                let doublings = (attempt - CLOSE_ATTEMPTS + DOUBLINGS_FIRST).min(16);
                let bound = self.first.saturating_mul(1 << doublings).min(self.max);
                let held = self.since.1.saturating_add(self.first.saturating_mul(OUTAGE_FIRST)).saturating_sub(now);
                let held = if in_outage < FIRST_ATTEMPTS { Duration::ZERO } else { held };
                held.saturating_add(self.random.part_of(bound))
            }
        }
    }
}
