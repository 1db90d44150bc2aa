//! How long a probe may take, learned from the answers and from the probes that ended a connection. Pure. Must not know
//! what a probe is.

use std::time::Duration;

/// The shortest and the longest time for a probe.
const LIMIT_MIN: Duration = Duration::from_millis(1_500);
const LIMIT_MAX: Duration = Duration::from_secs(30);

/// How many answers are recent.
const ANSWERS: usize = 8;

/// How long the client has to be in the room for each halving.
const CALM: Duration = Duration::from_secs(60);

/// The most doublings: beyond them every limit is the longest one.
const DOUBLINGS_MAX: u32 = 5;

/// The part of an owner's grace that a probe may take: two intervals of silence, the way back and the server's own doubt
/// have to fit in, too.
const GRACE_PART: u32 = 4;

/// What is known from earlier probes, over connections.
#[derive(Debug)]
pub(super) struct Memory {
    /// How long the recent answers took.
    answers: [Duration; ANSWERS],
    /// Where the next one goes.
    place: usize,
    /// How often the time was doubled.
    doublings: u32,
    /// Since when the client is in the room, or the last halving; `None` outside.
    calm_since: Option<Duration>,
    limit_max: Duration,
}

impl Default for Memory {
    fn default() -> Self {
        let answers = [Duration::ZERO; ANSWERS];
        Self { answers, place: 0, doublings: 0, calm_since: None, limit_max: LIMIT_MAX }
    }
}

impl Memory {
    /// The client is in a room, which ends after this grace without it.
    pub(super) fn entered(&mut self, grace: Option<Duration>, now: Duration) {
        self.calm_since = Some(now);
        self.limit_max = grace.map_or(LIMIT_MAX, |grace| (grace / GRACE_PART).clamp(LIMIT_MIN, LIMIT_MAX));
    }

    /// The connection has ended, perhaps because a probe found nothing.
    pub(super) fn left(&mut self, by_probe: bool, now: Duration) {
        self.calm(now);
        self.calm_since = None;
        if by_probe {
            self.doublings = (self.doublings + 1).min(DOUBLINGS_MAX);
        }
    }

    /// Time has passed.
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

    /// A probe was answered after this time.
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
        let mut memory = Memory::default();
        assert_eq!(memory.limit(), LIMIT_MIN);
        memory.answered(2 * S);
        assert_eq!(memory.limit(), 4 * S);
        (0..ANSWERS - 1).for_each(|_| memory.answered(S / 10));
        assert_eq!(memory.limit(), 4 * S);
        memory.answered(S / 10);
        assert_eq!(memory.limit(), LIMIT_MIN, "it is recent no more");
        memory.answered(Duration::MAX);
        assert_eq!(memory.limit(), LIMIT_MAX);
    }

    #[test]
    fn each_probe_that_ended_a_connection_doubles_it_and_each_minute_in_the_room_halves_it() {
        let mut memory = Memory::default();
        let mut limits = Vec::new();
        for _ in 0..7 {
            memory.entered(None, 100 * S);
            memory.left(true, 110 * S);
            limits.push(memory.limit().as_millis());
        }
        assert_eq!(limits, [3_000, 6_000, 12_000, 24_000, 30_000, 30_000, 30_000]);
        memory.entered(None, 200 * S);
        memory.left(false, 210 * S);
        memory.entered(None, 1_000 * S);
        memory.calm(1_059 * S);
        assert_eq!(memory.limit(), 30 * S);
        for (at, millis) in [(1_060, 24_000), (1_119, 24_000), (1_120, 12_000), (1_240, 3_000), (1_300, 1_500)] {
            memory.calm(at * S);
            assert_eq!(memory.limit().as_millis(), millis, "{at}");
        }
        memory.calm(Duration::MAX);
    }

    #[test]
    fn an_owner_s_probe_takes_no_more_than_a_quarter_of_its_grace() {
        let mut memory = Memory::default();
        memory.answered(20 * S);
        for (grace, limit) in [(15 * S, S * 15 / 4), (2 * S, LIMIT_MIN), (Duration::MAX, LIMIT_MAX)] {
            memory.entered(Some(grace), S);
            assert_eq!(memory.limit(), limit);
        }
        memory.entered(None, S);
        assert_eq!(memory.limit(), LIMIT_MAX);
    }
}
