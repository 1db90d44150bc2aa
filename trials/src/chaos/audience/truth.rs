//! The number of viewers at each moment, and how many of them did not read, as the viewers know it. Pure.

use std::time::{Duration, Instant};

/// The number of viewers, and how many of them lag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ViewerCounts {
    pub(super) viewers: u64,
    pub(super) lagging: u64,
}

/// All changes, in order. A change that takes time is two steps: between them either may be true.
#[derive(Debug)]
pub(super) struct Truth {
    /// The fewest and the most that there may have been from each moment on.
    bounds: Vec<(Instant, [ViewerCounts; 2])>,
}

/// A change.
#[derive(Debug, Clone, Copy)]
pub(super) enum ViewerChange {
    /// A viewer asks to join; it has joined.
    Comes,
    IsIn,
    /// A viewer stops reading; it lags for certain.
    Stops,
    Lags,
    /// A viewer that may lag reads on; it has read everything.
    Reads,
    IsInStep,
    /// A viewer leaves; the server must know.
    Goes,
    IsGone,
    /// The same of a viewer that lags.
    GoesLagging,
    IsGoneLagging,
}

impl Truth {
    pub(super) fn new() -> Self {
        Self { bounds: vec![(Instant::now(), [ViewerCounts::default(); 2])] }
    }

    /// Records a change at this moment, later than all before.
    pub(super) fn note(&mut self, change: ViewerChange) {
        self.note_at(Instant::now(), change);
    }

    fn note_at(&mut self, at: Instant, change: ViewerChange) {
        let (_, [mut least, mut most]) = *self.bounds.last().expect("the beginning is there");
        match change {
            ViewerChange::Comes => most.viewers += 1,
            ViewerChange::IsIn => least.viewers += 1,
            ViewerChange::Stops => most.lagging += 1,
            ViewerChange::Lags => least.lagging += 1,
            ViewerChange::Reads => least.lagging -= 1,
            ViewerChange::IsInStep => most.lagging -= 1,
            ViewerChange::Goes => least.viewers -= 1,
            ViewerChange::IsGone => most.viewers -= 1,
            ViewerChange::GoesLagging => (least.viewers, least.lagging) = (least.viewers - 1, least.lagging - 1),
            ViewerChange::IsGoneLagging => (most.viewers, most.lagging) = (most.viewers - 1, most.lagging - 1),
        }
        self.bounds.push((at, [least, most]));
    }

    /// Returns the number of changes.
    pub(super) fn changes(&self) -> usize {
        self.bounds.len() - 1
    }

    /// Returns whether `viewers` and `lagging` were each true at some moment in the time `before` this one.
    pub(super) fn was_so(&self, figures: ViewerCounts, at: Instant, before: Duration) -> bool {
        let from = at.checked_sub(before).unwrap_or(at);
        let first = self.bounds.partition_point(|(changed, _)| *changed <= from).saturating_sub(1);
        let last = self.bounds.partition_point(|(changed, _)| *changed <= at);
        let bounds = &self.bounds[first..last.max(first + 1)];
        let least = |of: fn(&ViewerCounts) -> u64| bounds.iter().map(|(_, [least, _])| of(least)).min().unwrap_or(0);
        let most = |of: fn(&ViewerCounts) -> u64| bounds.iter().map(|(_, [_, most])| of(most)).max().unwrap_or(0);
        let is_within = |value: u64, of: fn(&ViewerCounts) -> u64| (least(of)..=most(of)).contains(&value);
        is_within(figures.viewers, |figures| figures.viewers) && is_within(figures.lagging, |figures| figures.lagging)
    }

    /// Returns the figures at this moment, if they are certain.
    pub(super) fn at(&self, at: Instant) -> Option<ViewerCounts> {
        let place = self.bounds.partition_point(|(changed, _)| *changed <= at).checked_sub(1)?;
        let (_, [least, most]) = self.bounds[place];
        (least == most).then_some(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_under_way_may_count_or_not_and_an_older_figure_may_still_be_reported() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut truth = Truth { bounds: vec![(start, [ViewerCounts::default(); 2])] };
        for (millis, change) in [
            (100, ViewerChange::Comes),
            (200, ViewerChange::IsIn),
            (300, ViewerChange::Stops),
            (500, ViewerChange::Lags),
            (2_000, ViewerChange::GoesLagging),
            (2_100, ViewerChange::IsGoneLagging),
        ] {
            truth.note_at(at(millis), change);
        }
        let figures = |viewers, lagging| ViewerCounts { viewers, lagging };
        let second = Duration::from_secs(1);
        for (millis, viewers, lagging, is_so) in [
            (50, 0, 0, true),
            (50, 1, 0, false),
            (150, 1, 0, true),
            (400, 1, 1, true),
            (400, 0, 0, true),
            (1_600, 1, 0, false),
            (1_600, 1, 1, true),
            (2_900, 1, 1, true),
            (3_200, 1, 1, false),
            (3_200, 0, 0, true),
        ] {
            assert_eq!(
                truth.was_so(figures(viewers, lagging), at(millis), second),
                is_so,
                "{millis} {viewers} {lagging}"
            );
        }
        assert_eq!((truth.at(at(400)), truth.at(at(600))), (None, Some(figures(1, 1))));
        assert_eq!(truth.changes(), 6);
    }
}
