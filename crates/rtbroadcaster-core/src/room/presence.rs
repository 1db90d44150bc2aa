//! Whether a room's owner and viewers are there, and when the room ends by their absence.
//! Pure: it takes the time as an argument.

use std::time::Duration;

use super::alarm::Alarm;
use crate::config::{Config, LONGEST};
use crate::limit::Limit;

/// The longest time for which a room without an owner key waits for its owner, whose connection may only be closing.
const GRACE_WITHOUT_KEY: Duration = Duration::from_secs(30);
/// How long a restored room lives at least, after the start or after the moment at which its owner was asked to come
/// back, whichever is later.
const AFTER_START: Duration = Duration::from_secs(20);

/// How long a room waits for its clients; `None` waits for ever.
#[derive(Debug, Clone, Copy)]
pub struct AbsenceLimits {
    /// The time for which it waits for its owner.
    grace: Limit<Duration>,
    /// The time for which it waits for an owner or a viewer.
    idle: Limit<Duration>,
    /// It ends no earlier than at this time.
    not_before: Duration,
}

impl AbsenceLimits {
    /// Returns the limits of a room with an owner key, whose creator may have `wished` for another grace than is
    /// configured. Only its grace ends such a room.
    pub fn of_a_key(wished: Option<Duration>, config: &Config) -> Self {
        let longest = config.owner_grace_max.max().unwrap_or(LONGEST);
        let granted = wished.map(|wished| Limit::Max(wished.min(longest).max(config.least_safe_grace())));
        Self { grace: granted.unwrap_or(config.owner_grace), idle: Limit::None, not_before: Duration::ZERO }
    }

    /// Returns the limits of a room whose owner cannot come back.
    pub fn without_key(config: &Config) -> Self {
        let Config { owner_grace, room_idle_timeout, .. } = config;
        Self {
            grace: Limit::Max(GRACE_WITHOUT_KEY).min(*owner_grace),
            idle: *room_idle_timeout,
            not_before: Duration::ZERO,
        }
    }

    /// Returns the limits of a restored room, in a process that began at `now`. Its owner may have been asked to come
    /// back at `moment`.
    pub fn after_a_start(self, now: Duration, moment: Option<Duration>) -> Self {
        // No process of ours gives a moment further away.
        let moment = moment.filter(|moment| *moment < now + AFTER_START * 10).unwrap_or(now);
        Self { not_before: now.max(moment) + AFTER_START, ..self }
    }
}

/// The absence that ends a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Its owner, for the grace.
    Owner,
    /// Its owner and all viewers, for the idle time.
    Everybody,
}

/// The presence of one room's owner and viewers.
#[derive(Debug)]
pub struct Presence {
    limits: AbsenceLimits,
    viewers: usize,
    /// Since when the owner is away.
    away: Option<Duration>,
    /// Since when there is no viewer.
    empty: Duration,
    /// The next look at the room.
    look: Alarm<Duration>,
}

impl Presence {
    /// Returns the presence of a new room: its owner is there and it has no viewers.
    pub fn new(limits: AbsenceLimits) -> Self {
        Self { limits, viewers: 0, away: None, empty: Duration::ZERO, look: Alarm::default() }
    }

    /// Returns how long the room waits for its owner; `None` for ever.
    pub fn grace(&self) -> Option<Duration> {
        self.limits.grace.max()
    }

    /// Returns since when there has been neither an owner nor a viewer.
    pub fn lonely_since(&self) -> Option<Duration> {
        self.away.filter(|_| self.viewers == 0).map(|away| away.max(self.empty))
    }

    /// Returns how many connections of viewers there are.
    pub fn viewers(&self) -> usize {
        self.viewers
    }

    /// Returns since when there is no viewer, if there is none.
    pub fn empty_since(&self) -> Option<Duration> {
        Some(self.empty).filter(|_| self.viewers == 0)
    }

    /// Returns since when the owner is away.
    pub fn away_since(&self) -> Option<Duration> {
        self.away
    }

    /// Counts one viewer more.
    pub fn viewer_came(&mut self) {
        self.viewers += 1;
    }

    /// Counts one viewer less.
    pub fn viewer_left(&mut self, now: Duration) {
        self.viewers -= 1;
        if self.viewers == 0 {
            self.empty = now;
        }
    }

    /// Notes that the owner is there.
    pub fn owner_came(&mut self) {
        self.away = None;
    }

    /// Notes that the owner is away since `now`, unless it was before.
    pub fn owner_left(&mut self, now: Duration) {
        self.away.get_or_insert(now);
    }

    /// Notes that the owner, which was away before, is away since `now`.
    pub fn owner_left_again(&mut self, now: Duration) {
        self.away = Some(now);
    }

    /// Returns when the room ends if no client comes.
    pub fn ends_at(&self) -> Option<Duration> {
        self.end().map(|(at, _)| at)
    }

    /// Returns which absence has lasted too long at the moment `now`.
    pub fn is_over(&self, now: Duration) -> Option<Absence> {
        self.end().filter(|(at, _)| *at <= now).map(|(_, absence)| absence)
    }

    /// Returns when the room ends if no client comes, and by which absence.
    fn end(&self) -> Option<(Duration, Absence)> {
        let AbsenceLimits { grace, idle, not_before } = self.limits;
        let grace = grace.after(self.away?).map(|at| (at, Absence::Owner));
        let idle = self.lonely_since().and_then(|since| idle.after(since)).map(|at| (at, Absence::Everybody));
        [grace, idle].into_iter().flatten().min_by_key(|(at, _)| *at).map(|(at, absence)| (at.max(not_before), absence))
    }

    /// Returns when to look at the room, unless a look is planned that comes no later.
    pub fn check_at(&mut self) -> Option<Duration> {
        self.look.sooner(self.ends_at()?)
    }

    /// Notes that a planned look has happened.
    pub fn was_checked(&mut self) {
        self.look.rang();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn presence(grace: u64, idle: u64) -> Presence {
        let limit = |time: u64| if time == 0 { Limit::None } else { Limit::Max(seconds(time)) };
        Presence::new(AbsenceLimits { grace: limit(grace), idle: limit(idle), not_before: Duration::ZERO })
    }

    #[test]
    fn a_room_with_an_owner_never_ends_by_itself() {
        let mut presence = presence(30, 60);
        presence.viewer_came();
        presence.viewer_left(seconds(5));
        assert_eq!(presence.ends_at(), None);
        assert_eq!(presence.check_at(), None);
    }

    #[test]
    fn the_grace_counts_from_the_owners_absence() {
        let mut presence = presence(30, 60);
        presence.viewer_came();
        presence.owner_left(seconds(100));
        presence.owner_left(seconds(110));
        assert_eq!(presence.ends_at(), Some(seconds(130)));
    }

    #[test]
    fn an_owner_that_comes_ends_the_grace() {
        let mut presence = presence(30, 60);
        presence.owner_left(seconds(100));
        presence.owner_came();
        assert_eq!(presence.ends_at(), None);
        presence.owner_left(seconds(120));
        assert_eq!(presence.ends_at(), Some(seconds(150)), "the next absence has its own");
    }

    #[test]
    fn an_empty_room_ends_before_a_longer_grace() {
        let mut presence = presence(300, 60);
        presence.viewer_came();
        presence.owner_left(seconds(10));
        assert_eq!(presence.check_at(), Some(seconds(310)));
        presence.viewer_left(seconds(20));
        assert_eq!(presence.check_at(), Some(seconds(80)), "an earlier look is planned");
        assert_eq!(presence.check_at(), None, "once");
        presence.viewer_came();
        presence.was_checked();
        assert_eq!(presence.check_at(), Some(seconds(310)));
    }

    #[test]
    fn none_lifts_grace_and_idle_time() {
        let mut lifted = presence(0, 60);
        lifted.owner_left(seconds(10));
        assert_eq!(lifted.ends_at(), Some(seconds(70)));
        lifted.viewer_came();
        assert_eq!(lifted.ends_at(), None);
        let mut lifted = presence(0, 0);
        lifted.owner_left(seconds(10));
        assert_eq!(lifted.ends_at(), None);
    }

    #[test]
    fn a_creators_wish_is_granted_between_the_least_safe_grace_and_the_greatest() {
        let config = Config::default();
        let cases =
            [(None, 300), (Some(1), 55), (Some(54), 55), (Some(55), 55), (Some(600), 600), (Some(90_000), 86_400)];
        for (wished, granted) in cases {
            let limits = AbsenceLimits::of_a_key(wished.map(seconds), &config);
            assert_eq!((limits.grace, limits.idle), (Limit::Max(seconds(granted)), Limit::None), "{wished:?}");
        }
        let unlimited = Config { owner_grace_max: Limit::None, ping_interval: Limit::None, ..config.clone() };
        for wished in [1, 90_000] {
            assert_eq!(AbsenceLimits::of_a_key(Some(seconds(wished)), &unlimited).grace, Limit::Max(seconds(wished)));
        }
        for (configured, grace) in [(Limit::Max(300), 30), (Limit::Max(10), 10), (Limit::None, 30)] {
            let config = Config { owner_grace: configured.map(seconds), ..config.clone() };
            let limits = AbsenceLimits::without_key(&config);
            assert_eq!(
                (limits.grace, limits.idle),
                (Limit::Max(seconds(grace)), Limit::Max(seconds(60))),
                "no owner can come back"
            );
        }
    }

    #[test]
    fn a_room_that_was_kept_lives_for_a_while_behind_the_start_and_its_owners_moment() {
        let ends = |now, moment: Option<u64>| {
            let limits = AbsenceLimits { grace: Limit::Max(seconds(5)), idle: Limit::None, not_before: Duration::ZERO };
            let mut presence = Presence::new(limits.after_a_start(seconds(now), moment.map(seconds)));
            presence.owner_left(seconds(100));
            presence.ends_at().unwrap().as_secs()
        };
        assert_eq!(ends(100, None), 120, "behind the start");
        assert_eq!(ends(100, Some(90)), 120, "behind the start, which came later");
        assert_eq!(ends(100, Some(115)), 135, "behind the moment");
        assert_eq!(ends(100, Some(100_000)), 120, "no owner was asked to come back then");
        assert_eq!(ends(50, None), 105, "the grace, which lasts longer");
    }
}
