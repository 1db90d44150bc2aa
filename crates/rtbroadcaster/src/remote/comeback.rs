//! When to try again: full jitter with a bound that doubles, and what the server advises. Pure: takes the time from
//! outside. Must not know what is tried.

use std::time::Duration;

use super::Options;
use super::ending::Closing;
use super::random::Random;

/// How long a connection has to last for the next delay to be a first one again. A server that takes clients and drops
/// them at once would be asked twice a second for ever otherwise.
const STEADY: Duration = Duration::from_secs(10);

/// What a server said about coming back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice {
    /// Nothing.
    None,
    /// At this moment, which it chose for this client alone.
    At(Duration),
    /// Within this time, doubled with each refusal.
    Within(Duration),
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
    /// How many delays were drawn since the last steady connection.
    attempts: u32,
    /// How often a request was refused in a row.
    refusals: u32,
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
        let since = (Place::Outside, Duration::ZERO);
        Self { first: backoff_first, max: backoff_max, patience, random, attempts: 0, refusals: 0, since }
    }

    /// It has come in.
    pub(super) fn entered(&mut self, now: Duration) {
        self.since = (Place::Inside, now);
        self.refusals = 0;
    }

    /// How long to wait before the next attempt; `None` when it was the last.
    pub(super) fn next(&mut self, end: &End, now: Duration) -> Option<Duration> {
        if self.since.0 == Place::Inside {
            if now.saturating_sub(self.since.1) >= STEADY {
                self.attempts = 0;
            }
            self.since = (Place::Outside, now);
        }
        if !end.closing.comes_back() {
            return None;
        }
        let delay = match end.advice {
            Advice::None => self.jitter(),
            Advice::At(moment) => moment.saturating_sub(now),
            Advice::Within(time) => {
                let bound = time.saturating_mul(1 << self.refusals.min(16)).min(self.max.max(time));
                self.refusals += 1;
                self.random.part_of(bound)
            }
            Advice::NotBefore(time) => time + self.jitter(),
        };
        let outside = (now + delay).saturating_sub(self.since.1);
        // A moment that the server chose is waited for: it says that there will be a server.
        let is_advised = matches!(end.advice, Advice::At(_));
        (is_advised || self.patience.is_none_or(|patience| outside <= patience)).then_some(delay)
    }

    fn jitter(&mut self) -> Duration {
        let bound = self.first.saturating_mul(1 << self.attempts.min(16)).min(self.max);
        self.attempts += 1;
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
        assert_eq!(comeback.next(&advised(Advice::At(5 * S)), 6 * S), Some(Duration::ZERO));
        assert!(comeback.next(&advised(Advice::NotBefore(7 * S)), S).is_some_and(|delay| delay >= 7 * S));
        let longest = (0..50).map(|_| {
            comeback.entered(Duration::ZERO);
            [(); 3].map(|()| comeback.next(&advised(Advice::Within(S)), Duration::ZERO).unwrap())
        });
        let longest = longest.reduce(|one, two| [0, 1, 2].map(|at| one[at].max(two[at]))).unwrap();
        assert!(longest[0] < S && longest[1] > S && longest[1] < 2 * S && longest[2] > 2 * S, "{longest:?}");
    }

    #[test]
    fn nobody_comes_back_for_good_or_without_patience() {
        let options = Options { patience: Some(10 * S), ..Options::default() };
        let mut comeback = comeback(1, &options);
        assert!(comeback.next(&Closing::with(4509, "fenced").into(), S).is_none());
        assert!(comeback.next(&lost(), 9 * S).is_some());
        assert!(comeback.next(&lost(), 11 * S).is_none());
        comeback.entered(20 * S);
        assert!(comeback.next(&lost(), 100 * S).is_some(), "it begins anew with each time inside");
        assert!(comeback.next(&advised(Advice::At(130 * S)), 101 * S).is_some());
    }
}
