//! Medians, ratios and spreads of the figures of rounds. Pure, and must not know which figures they are.

use serde::Serialize;

/// How much better than the floor Bun may be. Beyond that the floor is no floor: the figure is that of the machine.
const FLOOR_MARGIN: f64 = 1.15;

/// The median of some numbers, with the least and the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) least: f64,
    pub(super) median: f64,
    pub(super) most: f64,
}

impl Spread {
    /// Returns that of these numbers, if there are any; NaN and infinity do not count.
    pub(super) fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut numbers: Vec<f64> = numbers.into_iter().filter(|number| number.is_finite()).collect();
        numbers.sort_by(f64::total_cmp);
        let (first, last) = (*numbers.first()?, *numbers.last()?);
        let (low, high) = (numbers[(numbers.len() - 1) / 2], numbers[numbers.len() / 2]);
        Some(Self { least: first, median: f64::midpoint(low, high), most: last })
    }
}

/// The figure of one contender in each round; `None` where it has none.
pub(super) type Rounds = Vec<Option<f64>>;

/// Pairs both, round by round, where both have a figure and the second one is not 0.
fn paired<'a>(these: &'a [Option<f64>], those: &'a [Option<f64>]) -> impl Iterator<Item = Option<(f64, f64)>> + 'a {
    these.iter().zip(those).map(|(this, that)| Some((*this)?).zip(that.filter(|that| *that > 0.0)))
}

/// Returns the ratio of each to the figure of the same round.
pub(super) fn ratios(these: &[Option<f64>], those: &[Option<f64>]) -> Rounds {
    paired(these, those).map(|pair| pair.map(|(this, that)| this / that)).collect()
}

/// Returns the difference of each from the figure of the same round.
pub(super) fn differences(these: &[Option<f64>], those: &[Option<f64>]) -> Rounds {
    these.iter().zip(those).map(|(this, that)| Some((*this)? - (*that)?)).collect()
}

/// Returns the mean of both in each round, or the one that there is.
pub(super) fn means(these: &[Option<f64>], those: &[Option<f64>]) -> Rounds {
    let mean = |(this, that): (&Option<f64>, &Option<f64>)| match (*this, *that) {
        (Some(this), Some(that)) => Some(f64::midpoint(this, that)),
        (one, other) => one.or(other),
    };
    these.iter().zip(those).map(mean).collect()
}

/// Returns the least of all in each round.
pub(super) fn least(all: &[Rounds]) -> Rounds {
    let rounds = all.iter().map(Vec::len).max().unwrap_or(0);
    let least = |round: usize| all.iter().filter_map(|one| *one.get(round)?).min_by(f64::total_cmp);
    (0..rounds).map(least).collect()
}

/// Returns for each round whether it is void: Bun beats the floor by more than 15 %.
pub(super) fn voids(floor: &[Option<f64>], bun: &[Option<f64>]) -> Vec<bool> {
    ratios(floor, bun).iter().map(|ratio| ratio.is_some_and(|ratio| ratio > FLOOR_MARGIN)).collect()
}

/// Returns the rounds without the void ones.
pub(super) fn valid(rounds: &[Option<f64>], voids: &[bool]) -> Rounds {
    let is_void = |round: usize| voids.get(round).copied().unwrap_or(false);
    rounds.iter().enumerate().map(|(round, figure)| figure.filter(|_| !is_void(round))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numbers: &[f64], expected: Option<(f64, f64, f64)>) {
        let spread = Spread::of(numbers.iter().copied());
        assert_eq!(spread.map(|spread| (spread.least, spread.median, spread.most)), expected, "{numbers:?}");
    }

    #[test]
    fn a_median_is_the_middle_one_or_the_middle_of_two() {
        check(&[], None);
        check(&[f64::NAN], None);
        check(&[7.0], Some((7.0, 7.0, 7.0)));
        check(&[3.0, 1.0], Some((1.0, 2.0, 3.0)));
        check(&[9.0, 1.0, 2.0], Some((1.0, 2.0, 9.0)));
        check(&[4.0, f64::INFINITY, 1.0, 2.0, 3.0], Some((1.0, 2.5, 4.0)));
    }

    #[test]
    fn a_ratio_is_taken_within_a_round_and_only_where_both_have_a_figure() {
        let these = [Some(3.0), Some(2.0), None, Some(1.0)];
        let those = [Some(2.0), None, Some(1.0), Some(0.0)];
        assert_eq!(ratios(&these, &those), [Some(1.5), None, None, None]);
        assert_eq!(differences(&these, &those), [Some(1.0), None, None, Some(1.0)]);
    }

    #[test]
    fn the_median_of_ratios_is_not_the_ratio_of_medians() {
        // A machine that was slow in one round was slow for both.
        let (ours, floor) = ([Some(10.0), Some(33.0), Some(12.0)], [Some(10.0), Some(30.0), Some(10.0)]);
        let ratios = Spread::of(ratios(&ours, &floor).into_iter().flatten()).unwrap();
        assert!((ratios.median - 1.1).abs() < 1e-9 && (ratios.most - 1.2).abs() < 1e-9, "{ratios:?}");
    }

    #[test]
    fn a_round_in_which_bun_beats_the_floor_by_more_than_15_percent_is_void() {
        let floor = [Some(115.0), Some(116.0), Some(116.0), None, Some(90.0)];
        let bun = [Some(100.0), Some(100.0), None, Some(100.0), Some(100.0)];
        let voids = voids(&floor, &bun);
        assert_eq!(voids, [false, true, false, false, false]);
        assert_eq!(valid(&floor, &voids), [Some(115.0), None, Some(116.0), None, Some(90.0)]);
        assert_eq!(valid(&floor, &[]), floor);
    }

    #[test]
    fn means_and_the_least_take_what_there_is() {
        let (these, those) = (vec![Some(1.0), Some(2.0), None], vec![Some(3.0), None, None]);
        assert_eq!(means(&these, &those), [Some(2.0), Some(2.0), None]);
        assert_eq!(least(&[these, those]), [Some(1.0), Some(2.0), None]);
        assert_eq!(least(&[]), [None; 0]);
    }
}
