//! Who is there, and when a room ends because too few are.
//! Pure: it takes the time as an argument.

use std::time::Duration;

use crate::config::deadline;

/// Owner and viewers of one room.
#[derive(Debug)]
pub(super) struct Presence {
    /// `owner_grace`.
    grace: Duration,
    /// `room_idle_timeout`.
    idle: Duration,
    viewers: usize,
    /// Since when the owner is away.
    away: Option<Duration>,
    /// Since when nobody watches.
    empty: Duration,
    /// The next look at the room that is already planned.
    planned: Option<Duration>,
}

impl Presence {
    /// A new room: its owner is there and nobody watches.
    pub(super) fn new(grace: Duration, idle: Duration) -> Self {
        Self { grace, idle, viewers: 0, away: None, empty: Duration::ZERO, planned: None }
    }

    pub(super) fn viewers(&self) -> usize {
        self.viewers
    }

    /// Since when the owner is away.
    pub(super) fn away_since(&self) -> Option<Duration> {
        self.away
    }

    pub(super) fn viewer_came(&mut self) {
        self.viewers += 1;
    }

    pub(super) fn viewer_left(&mut self, now: Duration) {
        self.viewers -= 1;
        if self.viewers == 0 {
            self.empty = now;
        }
    }

    pub(super) fn owner_came(&mut self) {
        self.away = None;
    }

    pub(super) fn owner_left(&mut self, now: Duration) {
        self.away.get_or_insert(now);
    }

    /// When the room ends if nobody comes: the owner's grace is over, or there was neither owner nor viewer for the
    /// idle time.
    pub(super) fn ends_at(&self) -> Option<Duration> {
        let away = self.away?;
        let grace = deadline(away, self.grace);
        let idle = if self.viewers == 0 { deadline(away.max(self.empty), self.idle) } else { None };
        [grace, idle].into_iter().flatten().min()
    }

    /// When to look at the room, unless a look is planned that comes no later.
    pub(super) fn check_at(&mut self) -> Option<Duration> {
        let end = self.ends_at()?;
        if self.planned.is_some_and(|planned| planned <= end) {
            return None;
        }
        self.planned = Some(end);
        Some(end)
    }

    /// A planned look has happened.
    pub(super) fn was_checked(&mut self) {
        self.planned = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_room_with_an_owner_never_ends_by_itself() {
        let mut presence = Presence::new(seconds(30), seconds(60));
        presence.viewer_came();
        presence.viewer_left(seconds(5));
        assert_eq!(presence.ends_at(), None);
        assert_eq!(presence.check_at(), None);
    }

    #[test]
    fn the_grace_counts_from_the_owners_absence() {
        let mut presence = Presence::new(seconds(30), seconds(60));
        presence.viewer_came();
        presence.owner_left(seconds(100));
        presence.owner_left(seconds(110));
        assert_eq!(presence.ends_at(), Some(seconds(130)));
    }

    #[test]
    fn an_owner_that_comes_ends_the_grace() {
        let mut presence = Presence::new(seconds(30), seconds(60));
        presence.owner_left(seconds(100));
        presence.owner_came();
        assert_eq!(presence.ends_at(), None);
        presence.owner_left(seconds(120));
        assert_eq!(presence.ends_at(), Some(seconds(150)), "the next absence has its own");
    }

    #[test]
    fn an_empty_room_ends_before_a_longer_grace() {
        let mut presence = Presence::new(seconds(300), seconds(60));
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
    fn zero_lifts_grace_and_idle_time() {
        let mut presence = Presence::new(seconds(0), seconds(60));
        presence.owner_left(seconds(10));
        assert_eq!(presence.ends_at(), Some(seconds(70)));
        presence.viewer_came();
        assert_eq!(presence.ends_at(), None);
        let mut presence = Presence::new(seconds(0), seconds(0));
        presence.owner_left(seconds(10));
        assert_eq!(presence.ends_at(), None);
    }
}
