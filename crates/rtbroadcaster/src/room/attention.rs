//! When those who are told how many watch are told again.
//! Pure: it takes the time as an argument and must not know who they are.

use std::time::Duration;

use crate::audience::Audience;

/// How long nothing is told after something was, unless the first viewer comes or the last one goes.
const INTERVAL: Duration = Duration::from_secs(1);

/// What was told, and when to look again.
#[derive(Debug, Default)]
pub(super) struct Attention {
    told: Audience,
    /// When that was.
    at: Option<Duration>,
    /// The next look that is planned.
    planned: Option<Duration>,
}

/// What is to be done about how things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Notice {
    /// They are to be told.
    pub(super) tell: bool,
    /// How many watch is not what was told before.
    pub(super) other_viewers: bool,
    /// When to look again, unless a look is planned that comes no later.
    pub(super) look: Option<Duration>,
}

impl Attention {
    /// A planned look happens.
    pub(super) fn was_planned(&mut self) {
        self.planned = None;
    }

    /// Things stand like this at the moment `now`; `may_change` by themselves, since somebody waits.
    pub(super) fn notice(&mut self, audience: Audience, may_change: bool, now: Duration) -> Notice {
        let next = self.at.map_or(now, |at| at + INTERVAL);
        let is_edge = (audience.viewers == 0) != (self.told.viewers == 0);
        let has_changed = audience != self.told;
        let tell = has_changed && (is_edge || now >= next);
        let other_viewers = audience.viewers != self.told.viewers;
        if tell {
            self.told(audience, now);
        }
        let look = if has_changed && !tell { Some(next) } else { may_change.then(|| now + INTERVAL) };
        let look = look.filter(|look| self.planned.is_none_or(|planned| *look < planned));
        self.planned = look.or(self.planned);
        Notice { tell, other_viewers, look }
    }

    /// All who listen were told this.
    pub(super) fn told(&mut self, audience: Audience, now: Duration) {
        (self.told, self.at) = (audience, Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1_000);

    fn at(millis: u64) -> Duration {
        START + Duration::from_millis(millis)
    }

    fn watch(viewers: usize) -> Audience {
        Audience { viewers, ..Audience::default() }
    }

    /// Plays how many watch at which moments, and gives the moments at which that is told, and what. A planned look happens
    /// when its time has come, and sees what was last played.
    fn told(played: &[(u64, usize)]) -> Vec<(u64, usize)> {
        let (mut attention, mut told, mut look, mut last) = (Attention::default(), Vec::new(), None, 0);
        let mut notice = |attention: &mut Attention, look: &mut Option<u64>, millis, viewers| {
            let notice = attention.notice(watch(viewers), false, at(millis));
            if notice.tell {
                told.push((millis, viewers));
            }
            *look = notice.look.map(|look| u64::try_from((look - START).as_millis()).unwrap()).or(*look);
        };
        for (millis, viewers) in played {
            while let Some(due) = look.filter(|due| due <= millis) {
                look = None;
                attention.was_planned();
                notice(&mut attention, &mut look, due, last);
            }
            notice(&mut attention, &mut look, *millis, *viewers);
            last = *viewers;
        }
        told
    }

    #[test]
    fn the_first_who_comes_and_the_last_who_goes_are_told_at_once_and_all_others_once_a_second() {
        assert_eq!(told(&[(0, 1), (10, 0), (20, 1)]), [(0, 1), (10, 0), (20, 1)]);
        assert_eq!(told(&[(0, 1), (10, 2), (20, 3), (999, 4), (5_000, 4)]), [(0, 1), (1_000, 4)]);
        assert_eq!(told(&[(0, 1), (1_500, 2), (1_600, 3), (9_000, 3)]), [(0, 1), (1_500, 2), (2_500, 3)]);
        assert_eq!(told(&[(0, 1), (10, 2), (20, 1), (9_000, 1)]), [(0, 1)], "nothing has changed when it is looked");
        assert_eq!(told(&[(0, 0), (10, 0)]), []);
    }

    #[test]
    fn who_lags_is_looked_at_again_although_nobody_comes_or_goes() {
        let mut attention = Attention::default();
        let first = attention.notice(watch(1), true, at(0));
        assert_eq!(first, Notice { tell: true, other_viewers: true, look: Some(at(1_000)) });
        let again = attention.notice(watch(1), true, at(10));
        assert_eq!(again, Notice { tell: false, other_viewers: false, look: None }, "a look is planned");
        attention.was_planned();
        let lags = Audience { lagging: 1, ..watch(1) };
        let later = attention.notice(lags, true, at(1_000));
        assert_eq!(later, Notice { tell: true, other_viewers: false, look: Some(at(2_000)) });
        attention.was_planned();
        let settled = attention.notice(watch(1), false, at(2_000));
        assert_eq!(settled, Notice { tell: true, other_viewers: false, look: None });
    }
}
