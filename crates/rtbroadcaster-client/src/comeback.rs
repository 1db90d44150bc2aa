//! When to try again. The first attempts of an outage follow each other closely, so that a short one costs little; then full
//! jitter with a bound that doubles. What a server advises is a lower bound: no advice makes a client try more often. Pure:
//! takes the time from outside. Must not know what is tried.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::Options;
use super::random::Random;
use rtbroadcaster_core::closing::Closing;

/// How long a connection has to last to be steady: patience begins anew, and so do the free short stays.
const STEADY: Duration = Duration::from_secs(10);

/// How many attempts of an outage follow each other closely, each at most the first bound behind the one before.
const CLOSE_ATTEMPTS: u32 = 7;

/// How many attempts may begin before [`OUTAGE_FIRST`] is over.
const FIRST_ATTEMPTS: u32 = 8;

/// How long the beginning of an outage is, in first bounds: 10 s with the default of 500 ms.
const OUTAGE_FIRST: u32 = 20;

/// How many doublings the bound takes at once behind the close attempts.
const DOUBLINGS_FIRST: u32 = 3;

/// How many stays may be shorter than [`STEADY`] and begin the backoff anew all the same, how many a steady one gives back,
/// and how often one comes back by itself. Without that a server that lets clients in and closes at once would be asked
/// several times a second for ever.
const SHORT_STAYS_MAX: u32 = 8;
const SHORT_STAYS_BY_STEADY: u32 = 2;
const SHORT_STAY_EVERY: Duration = Duration::from_secs(120);

/// The shortest time between an attempt and the next one that the program or the end of a sleep asks for.
const HURRY: Duration = Duration::from_secs(1);

/// The shortest bound of a delay: a program that wants no delays would be a flood.
const BOUND_MIN: Duration = Duration::from_millis(1);

/// What a server said about coming back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    /// Nothing.
    None,
    /// At this moment, which it chose for this client alone.
    At(Duration),
    /// Not before this time is over.
    NotBefore(Duration),
}

/// The end of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    /// How the connection ended.
    pub(super) closing: Closing,
    /// What the server said before.
    pub(super) advice: Advice,
}

impl From<Closing> for End {
    fn from(closing: Closing) -> Self {
        Self { closing, advice: Advice::None }
    }
}

/// Why an attempt is made before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hurry {
    /// The program wants it.
    Asked,
    /// The machine has slept.
    Slept,
}

/// The attempts of one client. All times are since it began.
#[derive(Debug)]
pub(super) struct Comeback {
    /// The bound of the first delay.
    first: Duration,
    /// The bound of every delay.
    max: Duration,
    /// How long it may be outside.
    patience: Option<Duration>,
    random: Random,
    /// When the last attempt began.
    tried: Duration,
    /// Before when no attempt may begin, by the advice of a server.
    not_before: Duration,
    /// How many delays were drawn since the backoff began anew.
    attempts: u32,
    /// How many it had been when it began anew after a short stay.
    attempts_before: u32,
    /// How many attempts the present outage has had.
    in_outage: u32,
    /// How many more short stays begin the backoff anew, and since when that number is right.
    short_stays: (u32, Duration),
    /// How long it was outside since the last steady connection, but for the present time.
    outside: Duration,
    /// Since when it is in the room, or outside of it.
    since: (Place, Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Inside,
    Outside,
}

impl Comeback {
    pub(super) fn new(options: &Options, random: Random) -> Self {
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
            since: (Place::Outside, zero),
        }
    }

    /// It has come in, and all of the state with it.
    pub(super) fn entered(&mut self, now: Duration) {
        if self.since.0 == Place::Outside {
            self.outside = self.outside_by(now);
        }
        self.since = (Place::Inside, now);
    }

    /// How long to wait before the next attempt; `None` when it was the last.
    pub(super) fn next(&mut self, end: &End, now: Duration) -> Option<Duration> {
        if self.since.0 == Place::Inside {
            self.end_stay(end.advice, now);
        }
        if !end.closing.comes_back() {
            return None;
        }
        let jitter = self.jitter(now);
        let (told, delay) = match end.advice {
            Advice::None => (now, jitter),
            // Without a delay behind it, since the server has spread these moments; unless the last attempt was just now.
            Advice::At(moment) => (moment, moment.max(self.tried.saturating_add(jitter)).saturating_sub(now)),
            Advice::NotBefore(time) => (now.saturating_add(time), time.saturating_add(jitter)),
        };
        self.not_before = told;
        let outside = self.outside_by(now).saturating_add(delay);
        self.tried = now.saturating_add(delay);
        self.patience.is_none_or(|patience| outside < patience).then_some(delay)
    }

    /// How long to wait before an attempt that does not wait for its time; `previous` is when the last one began. What a
    /// server has told stays a lower bound.
    pub(super) fn hurried(&mut self, hurry: Hurry, previous: Duration, now: Duration) -> Duration {
        let soon = match hurry {
            Hurry::Asked => previous.saturating_add(HURRY),
            // Not all who slept behind one access point at the same moment.
            Hurry::Slept => now.saturating_add(self.random.part_of(HURRY)),
        };
        self.tried = soon.max(self.not_before).max(now);
        self.tried - now
    }

    /// When patience ends, if nothing changes; `None` in the room, and where it never ends.
    pub(super) fn gives_up(&self) -> Option<Duration> {
        match (self.since, self.patience) {
            ((Place::Outside, since), Some(patience)) => {
                Some(since.saturating_add(patience.saturating_sub(self.outside)))
            }
            _ => None,
        }
    }

    /// It waited for so long, up to now, for its own program: that costs no patience.
    pub(super) fn pardon(&mut self, waited: Duration, now: Duration) {
        if self.since.0 == Place::Outside {
            self.since.1 = self.since.1.saturating_add(waited).min(now);
        }
    }

    /// A stay in the room is over, and the outage begins.
    fn end_stay(&mut self, advice: Advice, now: Duration) {
        let is_steady = now.saturating_sub(self.since.1) >= STEADY;
        self.in_outage = 0;
        self.since = (Place::Outside, now);
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

    /// How long it has been outside since the last steady connection.
    fn outside_by(&self, now: Duration) -> Duration {
        self.outside.saturating_add(now.saturating_sub(self.since.1))
    }

    fn jitter(&mut self, now: Duration) -> Duration {
        let (attempt, in_outage) = (self.attempts, self.in_outage);
        self.attempts = self.attempts.saturating_add(1);
        self.in_outage = self.in_outage.saturating_add(1);
        let first = self.first.min(self.max);
        match attempt {
            0 => self.random.part_of(first),
            // Even the shortest ones are more than four bounds together: the last of them is behind an outage of 2 s.
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
