//! Learns how long a probe may take, from earlier answers and from probes that ended a connection. Pure. Must not know
//! what a probe is.

use std::time::Duration;

/// The shortest and the longest time for a probe.
const LIMIT_MIN: Duration = Duration::from_millis(1_500);
const LIMIT_MAX: Duration = Duration::from_secs(30);

/// The number of recent answers.
const ANSWERS: usize = 8;

/// The time in the room after which the probe's time halves once.
const CALM: Duration = Duration::from_secs(60);

/// The most doublings: with more, every limit would be the longest one.
const DOUBLINGS_MAX: u32 = 5;

/// The part of an owner's grace that a probe may take, as a divisor. Two intervals of silence, the reconnect and the
/// server's own timeout have to fit into the grace, too.
const GRACE_PART: u32 = 4;

/// The results of earlier probes, over all connections of a client.
#[derive(Debug)]
pub(super) struct ProbeTimeout {
    /// The times of the recent answers.
    answers: [Duration; ANSWERS],
    /// The index of the next answer.
    place: usize,
    /// The present number of doublings.
    doublings: u32,
    /// When the client entered the room, or when the time last halved; `None` outside of the room.
    calm_since: Option<Duration>,
    limit_max: Duration,
}

impl Default for ProbeTimeout {
    fn default() -> Self {
        let answers = [Duration::ZERO; ANSWERS];
        Self { answers, place: 0, doublings: 0, calm_since: None, limit_max: LIMIT_MAX }
    }
}

impl ProbeTimeout {
    /// Notes that the client is in the room. `grace` is after how long the room ends without it, if it is the owner.
    pub(super) fn entered(&mut self, grace: Option<Duration>, now: Duration) {
        self.calm_since = Some(now);
        self.limit_max = grace.map_or(LIMIT_MAX, |grace| (grace / GRACE_PART).clamp(LIMIT_MIN, LIMIT_MAX));
    }

    /// Notes that the connection has ended, and whether an unanswered probe ended it.
    pub(super) fn left(&mut self, by_probe: bool, now: Duration) {
        self.calm(now);
        self.calm_since = None;
        if by_probe {
            self.doublings = (self.doublings + 1).min(DOUBLINGS_MAX);
        }
    }

    /// Halves the time for each [`CALM`] that has passed in the room.
    pub(super) fn calm(&mut self, now: Duration) {
        let Some(since) = &mut self.calm_since else { return };
        while self.doublings > 0 && now.saturating_sub(*since) >= CALM {
            self.doublings -= 1;
            *since = since.saturating_add(CALM);
        }
        if self.doublings == 0 {
            *since = now;
        }
    }

    /// Notes that a probe was answered after this time.
    pub(super) fn answered(&mut self, time: Duration) {
        self.answers[self.place] = time.min(LIMIT_MAX);
        self.place = (self.place + 1) % ANSWERS;
    }

    /// Returns how long a probe may take.
    pub(super) fn limit(&self) -> Duration {
        let slowest = self.answers.iter().max().copied().unwrap_or_default();
        let limit = slowest.saturating_mul(2).max(LIMIT_MIN).saturating_mul(1 << self.doublings);
        limit.min(self.limit_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_probe_may_take_twice_the_slowest_recent_answer() {
        let mut timeout = ProbeTimeout::default();
        assert_eq!(timeout.limit(), LIMIT_MIN);
        timeout.answered(2 * S);
        assert_eq!(timeout.limit(), 4 * S);
        (0..ANSWERS - 1).for_each(|_| timeout.answered(S / 10));
        assert_eq!(timeout.limit(), 4 * S);
        timeout.answered(S / 10);
        assert_eq!(timeout.limit(), LIMIT_MIN, "it is recent no more");
        timeout.answered(Duration::MAX);
        assert_eq!(timeout.limit(), LIMIT_MAX);
    }

    #[test]
    fn each_probe_that_ended_a_connection_doubles_it_and_each_minute_in_the_room_halves_it() {
        let mut timeout = ProbeTimeout::default();
        let mut limits = Vec::new();
        for _ in 0..7 {
            timeout.entered(None, 100 * S);
            timeout.left(true, 110 * S);
            limits.push(timeout.limit().as_millis());
        }
        assert_eq!(limits, [3_000, 6_000, 12_000, 24_000, 30_000, 30_000, 30_000]);
        timeout.entered(None, 200 * S);
        timeout.left(false, 210 * S);
        timeout.entered(None, 1_000 * S);
        timeout.calm(1_059 * S);
        assert_eq!(timeout.limit(), 30 * S);
        for (at, millis) in [(1_060, 24_000), (1_119, 24_000), (1_120, 12_000), (1_240, 3_000), (1_300, 1_500)] {
            timeout.calm(at * S);
            assert_eq!(timeout.limit().as_millis(), millis, "{at}");
        }
        timeout.calm(Duration::MAX);
    }

    #[test]
    fn an_owner_s_probe_takes_no_more_than_a_quarter_of_its_grace() {
        let mut timeout = ProbeTimeout::default();
        timeout.answered(20 * S);
        for (grace, limit) in [(15 * S, S * 15 / 4), (2 * S, LIMIT_MIN), (Duration::MAX, LIMIT_MAX)] {
            timeout.entered(Some(grace), S);
            assert_eq!(timeout.limit(), limit);
        }
        timeout.entered(None, S);
        assert_eq!(timeout.limit(), LIMIT_MAX);
    }
}
