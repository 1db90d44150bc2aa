//! When the owner and the viewers of a room are notified of its audience again.
//! Pure: it takes the time as an argument and must not know connections.

use std::time::Duration;

use super::alarm::Alarm;
use crate::audience::Audience;

/// The least time between two notices, unless the first viewer comes or the last one leaves.
const INTERVAL: Duration = Duration::from_secs(1);

/// The last notice for each listener, and the next look.
#[derive(Debug, Default)]
pub struct Attention {
    /// The last notice for the owner.
    owner: LastNotice<Audience>,
    /// The last notice for all viewers, where they listen.
    viewers: LastNotice<usize>,
    /// The next look.
    look: Alarm<Duration>,
}

/// The listeners of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudienceListeners {
    /// Whether the owner listens.
    pub owner: bool,
    /// Whether all viewers listen.
    pub viewers: bool,
}

/// The notices that are due, and the next look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueNotices {
    /// Whether the owner's notice is due.
    pub owner: bool,
    /// Whether the viewers' notice of their number is due.
    pub viewers: bool,
    /// When to look again, unless a look is planned that comes no later.
    pub look: Option<Duration>,
}

/// The last notice for one listener.
#[derive(Debug, Default)]
struct LastNotice<T> {
    value: T,
    /// When it was sent.
    at: Option<Duration>,
    /// Whether a viewer that came since got another number.
    is_mixed: bool,
}

impl<T: PartialEq> LastNotice<T> {
    /// Returns when the next notice may be sent that is no edge.
    fn next(&self, now: Duration) -> Duration {
        self.at.map_or(now, |at| at + INTERVAL)
    }

    /// Returns whether a notice of `value` is due, and when it will be if it is not; nothing if `value` was sent.
    fn check(&self, value: &T, is_edge: bool, now: Duration) -> (bool, Option<Duration>) {
        let (has_changed, next) = (*value != self.value || self.is_mixed, self.next(now));
        let is_due = has_changed && (is_edge || now >= next);
        (is_due, Some(next).filter(|_| has_changed && !is_due))
    }

    fn record(&mut self, value: T, now: Duration) {
        *self = Self { value, at: Some(now), is_mixed: false };
    }
}

impl Attention {
    /// Notes that a planned look happens.
    pub fn was_planned(&mut self) {
        self.look.rang();
    }

    /// Returns whether no listener is due while so many `watch`, whatever else has changed, and a look is planned for
    /// when one may be.
    pub fn can_wait(&self, listeners: AudienceListeners, watch: usize, now: Duration) -> bool {
        let waits = |edge: bool, next: Duration| !edge && now < next && self.look.rings_by(next);
        (!listeners.owner || waits(is_edge(watch, self.owner.value.viewers), self.owner.next(now)))
            && (!listeners.viewers || waits(is_edge(watch, self.viewers.value), self.viewers.next(now)))
    }

    /// Notes the `audience` at the moment `now`, which `may_change` by itself while frames wait. Returns the notices
    /// that are due, and counts them as sent.
    pub fn notice(
        &mut self,
        listeners: AudienceListeners,
        audience: Audience,
        may_change: bool,
        now: Duration,
    ) -> DueNotices {
        let watch = audience.viewers;
        let (mut owner, mut viewers) = ((false, None), (false, None));
        if listeners.owner {
            owner = self.owner.check(&audience, is_edge(watch, self.owner.value.viewers), now);
        }
        if listeners.viewers {
            viewers = self.viewers.check(&watch, is_edge(watch, self.viewers.value), now);
        }
        if owner.0 {
            self.owner.record(audience, now);
        }
        if viewers.0 {
            self.viewers.record(watch, now);
        }
        let later = may_change.then(|| now + INTERVAL);
        let look = [owner.1, viewers.1, later].into_iter().flatten().min();
        let look = look.and_then(|at| self.look.sooner(at));
        DueNotices { owner: owner.0, viewers: viewers.0, look }
    }

    /// Notes that an owner came and got this audience.
    pub fn owner_came(&mut self, audience: Audience, now: Duration) {
        self.owner.record(audience, now);
    }

    /// Notes that one viewer got the number of those that `watch`.
    pub fn viewer_was_notified(&mut self, watch: usize) {
        self.viewers.is_mixed |= watch != self.viewers.value;
    }
}

/// Returns whether the first viewer has come, or the last one left.
fn is_edge(watch: usize, sent: usize) -> bool {
    (watch == 0) != (sent == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1_000);
    const OWNER: AudienceListeners = AudienceListeners { owner: true, viewers: false };
    const VIEWERS: AudienceListeners = AudienceListeners { owner: false, viewers: true };
    const ALL: AudienceListeners = AudienceListeners { owner: true, viewers: true };

    fn at(millis: u64) -> Duration {
        START + Duration::from_millis(millis)
    }

    fn watch(viewers: usize) -> Audience {
        Audience { viewers, ..Audience::default() }
    }

    /// Plays how many watch at which moments. Returns the moments of the notices, and their numbers. A planned look
    /// happens when its time has come, and sees what was last played.
    fn told(listeners: AudienceListeners, played: &[(u64, usize)]) -> Vec<(u64, usize)> {
        let (mut attention, mut told, mut look, mut last) = (Attention::default(), Vec::new(), None, 0);
        let mut notice = |attention: &mut Attention, look: &mut Option<u64>, millis, viewers| {
            let can_wait = attention.can_wait(listeners, viewers, at(millis));
            let notice = attention.notice(listeners, watch(viewers), false, at(millis));
            let is_told = notice.owner || notice.viewers;
            assert!(!can_wait || (!is_told && notice.look.is_none()), "{notice:?}");
            if is_told {
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
    fn the_first_that_comes_and_the_last_that_leaves_are_sent_at_once_and_all_others_once_a_second() {
        for listeners in [OWNER, VIEWERS, ALL] {
            let told = |played: &[(u64, usize)]| told(listeners, played);
            assert_eq!(told(&[(0, 1), (10, 0), (20, 1)]), [(0, 1), (10, 0), (20, 1)]);
            assert_eq!(told(&[(0, 1), (10, 2), (20, 3), (999, 4), (5_000, 4)]), [(0, 1), (1_000, 4)]);
            assert_eq!(told(&[(0, 1), (1_500, 2), (1_600, 3), (9_000, 3)]), [(0, 1), (1_500, 2), (2_500, 3)]);
            assert_eq!(
                told(&[(0, 1), (10, 2), (20, 1), (9_000, 1)]),
                [(0, 1)],
                "nothing has changed when it is looked"
            );
            assert_eq!(told(&[(0, 0), (10, 0)]), []);
        }
    }

    #[test]
    fn a_viewer_that_lags_is_looked_at_again_although_none_comes_or_leaves() {
        let mut attention = Attention::default();
        let first = attention.notice(ALL, watch(1), true, at(0));
        assert_eq!(first, DueNotices { owner: true, viewers: true, look: Some(at(1_000)) });
        let again = attention.notice(ALL, watch(1), true, at(10));
        assert_eq!(again, DueNotices { owner: false, viewers: false, look: None }, "a look is planned");
        attention.was_planned();
        let lags = Audience { lagging: 1, ..watch(1) };
        let later = attention.notice(ALL, lags, true, at(1_000));
        assert_eq!(later, DueNotices { owner: true, viewers: false, look: Some(at(2_000)) });
        attention.was_planned();
        let settled = attention.notice(ALL, watch(1), false, at(2_000));
        assert_eq!(settled, DueNotices { owner: true, viewers: false, look: None });
    }

    #[test]
    fn a_newcomer_that_got_another_number_gets_a_notice_also_when_it_is_as_before() {
        let mut attention = Attention::default();
        assert!(attention.notice(ALL, watch(2), false, at(0)).viewers);
        attention.viewer_was_notified(2);
        assert_eq!(attention.notice(ALL, watch(2), false, at(2_000)).look, None, "all know the same");
        attention.notice(ALL, watch(3), false, at(2_000));
        attention.viewer_was_notified(4);
        let before = attention.notice(ALL, watch(3), false, at(2_100));
        assert_eq!(before, DueNotices { owner: false, viewers: false, look: Some(at(3_000)) });
        attention.was_planned();
        let after = attention.notice(ALL, watch(3), false, at(3_000));
        assert_eq!(after, DueNotices { owner: false, viewers: true, look: None }, "the owner got no other number");
        assert!(!attention.notice(ALL, watch(3), false, at(9_000)).viewers);
    }

    #[test]
    fn an_owner_that_comes_is_notified_by_itself_and_the_viewers_at_their_time() {
        let mut attention = Attention::default();
        attention.notice(VIEWERS, watch(2), false, at(0));
        attention.notice(VIEWERS, watch(3), false, at(500));
        attention.owner_came(watch(3), at(600));
        assert_eq!(attention.notice(ALL, watch(2), false, at(700)).look, None, "one is planned");
        attention.was_planned();
        let looked = attention.notice(ALL, watch(2), false, at(1_000));
        assert_eq!(looked, DueNotices { owner: false, viewers: false, look: Some(at(1_600)) });
        attention.was_planned();
        let looked = attention.notice(ALL, watch(2), false, at(1_600));
        assert_eq!(looked, DueNotices { owner: true, viewers: false, look: None });
    }

    #[test]
    fn while_no_notice_can_be_due_the_lags_need_not_be_looked_at() {
        let mut attention = Attention::default();
        assert!(!attention.can_wait(ALL, 1, at(0)), "the first comes");
        attention.notice(ALL, watch(1), true, at(0));
        assert!(attention.can_wait(ALL, 2, at(10)) && attention.can_wait(ALL, 2, at(999)));
        assert!(!attention.can_wait(ALL, 0, at(10)), "the last leaves");
        assert!(!attention.can_wait(ALL, 2, at(1_000)), "the next notice may be sent");
        attention.was_planned();
        assert!(!attention.can_wait(ALL, 2, at(10)), "no look is planned");
    }
}
