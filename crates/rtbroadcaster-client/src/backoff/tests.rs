//! Tests of the number and the times of attempts.

use super::*;

const S: Duration = Duration::from_secs(1);

fn lost() -> ConnectionEnd {
    Closing::lost("lost").into()
}

fn advised(advice: Advice) -> ConnectionEnd {
    ConnectionEnd { advice, ..lost() }
}

fn backoff(seed: u64, options: &Options) -> Backoff {
    Backoff::new(options, Rng::of(seed))
}

/// Returns when the attempts of an outage begin in which each one fails at once.
fn attempts(backoff: &mut Backoff, begun: Duration, count: usize) -> Vec<Duration> {
    let mut now = begun;
    let attempts = (0..count).map(|_| {
        now += backoff.next(&lost(), now).unwrap();
        now - begun
    });
    attempts.collect()
}

#[test]
fn an_outage_has_at_most_eight_attempts_in_its_first_ten_seconds_and_more_and_more_rare_ones_then() {
    for seed in 0..2_000 {
        let mut backoff = backoff(seed, &Options::default());
        backoff.entered(S);
        let attempts = attempts(&mut backoff, 60 * S, 40);
        let early = attempts.iter().filter(|&&at| at < 10 * S).count();
        assert!((7..=8).contains(&early), "seed {seed}: {attempts:?}");
        let gaps: Vec<_> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let close = S * 35 / 100..=S / 2;
        assert!(attempts[0] < S / 2 && gaps[..6].iter().all(|gap| close.contains(gap)), "{attempts:?}");
        assert!(gaps[9..].iter().all(|gap| *gap <= 15 * S), "{attempts:?}");
    }
}

#[test]
fn after_two_seconds_without_a_network_the_next_attempt_is_at_most_half_a_second_away() {
    let late = (0..10_000).map(|seed| {
        let mut backoff = backoff(seed, &Options::default());
        backoff.entered(S);
        let attempts = attempts(&mut backoff, 14 * S, 9);
        *attempts.iter().find(|&&at| at >= 2 * S).unwrap() - 2 * S
    });
    // Six delays of 0.35 s are more than 2 s: one of the close attempts is always behind them.
    assert!(late.max().unwrap() <= S / 2);
}

#[test]
fn the_first_delay_and_the_late_ones_are_spread_evenly_up_to_their_bound() {
    const CLIENTS: u64 = 10_000;
    for (attempt, bound) in [(0, S / 2), (12, 15 * S)] {
        let mut tenths = [0_u64; 10];
        for seed in 0..CLIENTS {
            let mut backoff = backoff(seed, &Options::default());
            let delay = (0..=attempt).map(|_| backoff.next(&lost(), 100 * S).unwrap()).last().unwrap();
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
fn a_stay_begins_the_backoff_anew_but_for_a_told_moment_and_for_one_short_stay_too_many() {
    let options = Options { backoff_first: S, backoff_max: 1_000 * S, ..Options::default() };
    // The longest of the delays after the last of so many stays of this length, over many clients.
    let longest = |stays: u32, lived: Duration, end: &ConnectionEnd| {
        let delays = (0..200).map(|seed| {
            let mut backoff = backoff(seed, &options);
            (0..12).for_each(|_| _ = backoff.next(&lost(), 50 * S));
            let mut now = 60 * S;
            let mut delay = Duration::ZERO;
            for _ in 0..stays {
                backoff.entered(now);
                now += lived;
                delay = backoff.next(end, now).unwrap();
            }
            delay
        });
        delays.max().unwrap()
    };
    for (stays, lived) in [(1, S / 1_000), (SHORT_STAYS_MAX, S / 1_000), (100, STEADY)] {
        assert!(longest(stays, lived, &lost()) < S, "{stays} stays of {lived:?}");
    }
    assert!(longest(SHORT_STAYS_MAX + 1, S / 1_000, &lost()) > 32 * S);
    for advice in [Advice::At(Duration::ZERO), Advice::NotBefore(Duration::ZERO)] {
        assert!(longest(1, S, &advised(advice)) > 32 * S, "{advice:?}");
    }
    assert!(longest(1, STEADY, &advised(Advice::NotBefore(Duration::ZERO))) < S);
}

#[test]
fn what_the_server_advises_is_obeyed() {
    let mut backoff = backoff(1, &Options::default());
    assert_eq!(backoff.next(&advised(Advice::At(5 * S)), 2 * S), Some(3 * S));
    let again = backoff.next(&advised(Advice::At(5 * S)), 5 * S).unwrap();
    assert!(again > Duration::ZERO && again < S, "the last attempt began just now: {again:?}");
    assert_eq!(backoff.next(&advised(Advice::At(9 * S)), 9 * S), Some(Duration::ZERO), "it waited until then");
    assert!(backoff.next(&advised(Advice::NotBefore(7 * S)), S).is_some_and(|delay| delay >= 7 * S));
}

#[test]
fn a_hurried_attempt_skips_its_delay_but_not_the_advice_of_the_server() {
    let mut backoff = backoff(1, &Options::default());
    (0..20).for_each(|_| _ = backoff.next(&lost(), 100 * S));
    assert_eq!(backoff.hurried(Hurry::Asked, 99 * S, 100 * S), Duration::ZERO);
    assert_eq!(backoff.hurried(Hurry::Asked, 100 * S, 100 * S), S, "one attempt a second");
    assert!((0..99).all(|_| backoff.hurried(Hurry::Slept, 100 * S, 100 * S) < S));
    for advice in [Advice::At(130 * S), Advice::NotBefore(30 * S)] {
        backoff.next(&advised(advice), 100 * S);
        for hurry in [Hurry::Asked, Hurry::Slept] {
            assert_eq!(backoff.hurried(hurry, 90 * S, 110 * S), 20 * S, "{advice:?} {hurry:?}");
        }
    }
}

#[test]
fn no_advice_makes_a_client_try_more_often_than_without_any() {
    for advice in [Advice::None, Advice::At(Duration::ZERO), Advice::NotBefore(Duration::ZERO)] {
        for seed in 0..100 {
            let mut backoff = backoff(seed, &Options::default());
            let (mut now, mut attempts) = (Duration::ZERO, 0);
            while now < 3_600 * S {
                // The server lets the client in each time, and closes at once.
                backoff.entered(now);
                now += backoff.next(&advised(advice), now).unwrap();
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
        let mut backoff = backoff(1, &options);
        for _ in 0..20 {
            for now in [Duration::ZERO, S, Duration::MAX] {
                let _ = (backoff.next(&advised(advice), now), backoff.gives_up());
                backoff.hurried(Hurry::Slept, Duration::MAX, now);
                backoff.entered(now);
                backoff.pardon(Duration::MAX, now);
            }
        }
    }
    let hasty = Options { backoff_first: Duration::ZERO, backoff_max: Duration::ZERO, ..Options::default() };
    let mut backoff = backoff(1, &hasty);
    assert!((0..99).any(|_| backoff.next(&lost(), S).is_some_and(|delay| delay > Duration::ZERO)));
}

#[test]
fn there_is_no_attempt_after_a_final_close_or_the_end_of_patience() {
    let options = Options { patience: Some(10 * S), ..Options::default() };
    let mut backoff = backoff(1, &options);
    assert!(backoff.next(&Closing::with(4509, "fenced").into(), S).is_none());
    assert!(backoff.next(&lost(), 9 * S).is_some());
    assert!(backoff.next(&lost(), 11 * S).is_none());
    backoff.entered(20 * S);
    assert!(backoff.next(&lost(), 100 * S).is_some(), "each steady time inside resets patience");
    assert_eq!(backoff.gives_up(), Some(110 * S));
    for advice in [Advice::At(130 * S), Advice::NotBefore(30 * S)] {
        assert!(backoff.next(&advised(advice), 101 * S).is_none(), "{advice:?} is beyond patience");
    }
}

#[test]
fn short_stays_in_the_room_do_not_renew_patience_and_the_program_s_own_pauses_cost_none() {
    let options = Options { patience: Some(10 * S), backoff_first: Duration::ZERO, ..Options::default() };
    let mut backoff = backoff(1, &options);
    let mut now = Duration::ZERO;
    for outside in 1..10 {
        now += S;
        backoff.entered(now);
        assert_eq!(backoff.gives_up(), None);
        now += STEADY / 2;
        assert!(backoff.next(&lost(), now).is_some(), "{outside} s outside");
        assert_eq!(backoff.gives_up(), Some(now + (10 - outside) * S));
    }
    backoff.pardon(7 * S, now + 7 * S);
    assert_eq!(backoff.gives_up(), Some(now + 8 * S));
    assert!(backoff.next(&lost(), now + 9 * S).is_none());
}
