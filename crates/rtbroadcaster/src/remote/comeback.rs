//! When to try again: full jitter with a bound that doubles, what the server advises, and patience. Whatever a server
//! advises is a lower bound: no advice makes a client try more often. Pure: takes the time from outside.
//! Must not know what is tried.

use std::time::Duration;

use super::Options;
use super::ending::Closing;
use super::random::Random;

/// How long a connection has to last for the next delay to be a first one again. A server that takes clients and drops
/// them at once would be asked twice a second for ever otherwise.
const STEADY: Duration = Duration::from_secs(10);

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
    /// How many delays were drawn since the last steady connection.
    attempts: u32,
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
        let (first, max) = (backoff_first.max(BOUND_MIN), backoff_max.max(BOUND_MIN));
        let since = (Place::Outside, Duration::ZERO);
        let (tried, outside) = (Duration::ZERO, Duration::ZERO);
        Self { first, max, patience, random, tried, attempts: 0, outside, since }
    }

    /// It has come in.
    pub(super) fn entered(&mut self, now: Duration) {
        if self.since.0 == Place::Outside {
            self.outside = self.outside_by(now);
        }
        self.since = (Place::Inside, now);
    }

    /// How long to wait before the next attempt; `None` when it was the last.
    pub(super) fn next(&mut self, end: &End, now: Duration) -> Option<Duration> {
        if self.since.0 == Place::Inside {
            if now.saturating_sub(self.since.1) >= STEADY {
                (self.attempts, self.outside) = (0, Duration::ZERO);
            }
            self.since = (Place::Outside, now);
        }
        if !end.closing.comes_back() {
            return None;
        }
        let jitter = self.jitter();
        let delay = match end.advice {
            Advice::None => jitter,
            // Without a delay behind it, since the server has spread these moments; unless the last attempt was just now.
            Advice::At(moment) => moment.max(self.tried.saturating_add(jitter)).saturating_sub(now),
            Advice::NotBefore(time) => time.saturating_add(jitter),
        };
        let outside = self.outside_by(now).saturating_add(delay);
        self.tried = now.saturating_add(delay);
        self.patience.is_none_or(|patience| outside < patience).then_some(delay)
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

    /// How long it has been outside since the last steady connection.
    fn outside_by(&self, now: Duration) -> Duration {
        self.outside.saturating_add(now.saturating_sub(self.since.1))
    }

    fn jitter(&mut self) -> Duration {
        let bound = self.first.saturating_mul(1 << self.attempts.min(16)).min(self.max);
        self.attempts = self.attempts.saturating_add(1);
        self.random.part_of(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> End {
        Closing::lost("lost").into()
    }

    fn advised(advice: Advice) -> End {
        End { advice, ..lost() }
    }

    fn comeback(seed: u64, options: &Options) -> Comeback {
        Comeback::new(options, Random::of(seed))
    }

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn the_nth_delay_is_spread_evenly_between_zero_and_a_bound_that_doubles_up_to_the_greatest() {
        let options = Options::default();
        const CLIENTS: u64 = 10_000;
        for attempt in 0..8_u32 {
            let bound = (options.backoff_first * 2_u32.pow(attempt)).min(options.backoff_max);
            let mut tenths = [0_u64; 10];
            for seed in 0..CLIENTS {
                let mut comeback = comeback(seed, &options);
                let delay = (0..=attempt).map(|_| comeback.next(&lost(), Duration::ZERO).unwrap()).last().unwrap();
                assert!(delay < bound, "{delay:?} of {bound:?}");
                tenths[usize::try_from(delay.as_nanos() * 10 / bound.as_nanos()).unwrap()] += 1;
            }
            // Pearson's test with 9 degrees of freedom: by chance it is above 33.7 once in 10 000 times.
            let mean = CLIENTS / 10;
            let square: u64 = tenths.iter().map(|&count| count.abs_diff(mean).pow(2)).sum();
            assert!(square < 34 * mean, "attempt {attempt}: {tenths:?}");
        }
    }

    #[test]
    fn only_a_steady_connection_makes_the_next_delay_a_first_one_again() {
        let options = Options { backoff_first: S, backoff_max: 1_000 * S, ..Options::default() };
        let longest = |lived: Duration| {
            let delays = (0..200).map(|seed| {
                let mut comeback = comeback(seed, &options);
                (0..6).for_each(|_| _ = comeback.next(&lost(), Duration::ZERO));
                comeback.entered(S);
                comeback.next(&lost(), S + lived).unwrap()
            });
            delays.max().unwrap()
        };
        assert!(longest(STEADY / 2) > 32 * S);
        assert!(longest(STEADY) < S);
    }

    #[test]
    fn what_the_server_advises_is_obeyed() {
        let mut comeback = comeback(1, &Options::default());
        assert_eq!(comeback.next(&advised(Advice::At(5 * S)), 2 * S), Some(3 * S));
        let again = comeback.next(&advised(Advice::At(5 * S)), 5 * S).unwrap();
        assert!(again > Duration::ZERO && again < S, "the last attempt began just now: {again:?}");
        assert_eq!(comeback.next(&advised(Advice::At(9 * S)), 9 * S), Some(Duration::ZERO), "it waited until then");
        assert!(comeback.next(&advised(Advice::NotBefore(7 * S)), S).is_some_and(|delay| delay >= 7 * S));
    }

    #[test]
    fn no_advice_makes_a_client_try_more_often_than_without_any() {
        for advice in [Advice::None, Advice::At(Duration::ZERO), Advice::NotBefore(Duration::ZERO)] {
            for seed in 0..100 {
                let mut comeback = comeback(seed, &Options::default());
                let (mut now, mut attempts) = (Duration::ZERO, 0);
                while now < 3_600 * S {
                    // Let in each time, and closed at once.
                    comeback.entered(now);
                    now += comeback.next(&advised(advice), now).unwrap();
                    attempts += 1;
                }
                // An hour has 480 mean delays of half of 15 s.
                assert!((400..600).contains(&attempts), "{advice:?}, seed {seed}: {attempts}");
            }
        }
    }

    #[test]
    fn no_number_overflows() {
        let options = Options {
            backoff_first: Duration::MAX,
            backoff_max: Duration::MAX,
            patience: Some(Duration::MAX),
            ..Options::default()
        };
        for advice in [Advice::At(Duration::MAX), Advice::NotBefore(Duration::MAX), Advice::None] {
            let mut comeback = comeback(1, &options);
            for now in [Duration::ZERO, S, Duration::MAX] {
                let _ = (comeback.next(&advised(advice), now), comeback.gives_up());
                comeback.entered(now);
                comeback.pardon(Duration::MAX, now);
            }
        }
        let hasty = Options { backoff_first: Duration::ZERO, backoff_max: Duration::ZERO, ..Options::default() };
        let mut comeback = comeback(1, &hasty);
        assert!((0..99).any(|_| comeback.next(&lost(), S).is_some_and(|delay| delay > Duration::ZERO)));
    }

    #[test]
    fn nobody_comes_back_for_good_or_without_patience() {
        let options = Options { patience: Some(10 * S), ..Options::default() };
        let mut comeback = comeback(1, &options);
        assert!(comeback.next(&Closing::with(4509, "fenced").into(), S).is_none());
        assert!(comeback.next(&lost(), 9 * S).is_some());
        assert!(comeback.next(&lost(), 11 * S).is_none());
        comeback.entered(20 * S);
        assert!(comeback.next(&lost(), 100 * S).is_some(), "it begins anew with each steady time inside");
        assert_eq!(comeback.gives_up(), Some(110 * S));
        for advice in [Advice::At(130 * S), Advice::NotBefore(30 * S)] {
            assert!(comeback.next(&advised(advice), 101 * S).is_none(), "{advice:?} is beyond patience");
        }
    }

    #[test]
    fn short_stays_in_the_room_do_not_renew_patience_and_the_program_s_own_pauses_cost_none() {
        let options = Options { patience: Some(10 * S), backoff_first: Duration::ZERO, ..Options::default() };
        let mut comeback = comeback(1, &options);
        let mut now = Duration::ZERO;
        for outside in 1..10 {
            now += S;
            comeback.entered(now);
            assert_eq!(comeback.gives_up(), None);
            now += STEADY / 2;
            assert!(comeback.next(&lost(), now).is_some(), "{outside} s outside");
            assert_eq!(comeback.gives_up(), Some(now + (10 - outside) * S));
        }
        comeback.pardon(7 * S, now + 7 * S);
        assert_eq!(comeback.gives_up(), Some(now + 8 * S));
        assert!(comeback.next(&lost(), now + 9 * S).is_none());
    }
}
