//! How many pings, pongs and requests a peer may send that are refused or change nothing: each costs work, or an answer.
//! Must not know what they say. Pure: it takes the time as an argument.

use std::time::Duration;

/// How many may come at once, and how often one more from there. A client has a reason for one in some seconds.
const BURST: u32 = 128;
const INTERVAL: Duration = Duration::from_millis(50);

/// Those of one peer.
#[derive(Debug, Default)]
pub struct Unproductive {
    /// Until when the interval of each that came lasts, one after the other.
    until: Duration,
}

impl Unproductive {
    /// One more came, at `now`. Whether that is one too many.
    pub fn came(&mut self, now: Duration) -> bool {
        self.until = self.until.max(now) + INTERVAL;
        self.until > now + INTERVAL * BURST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_once_and_then_20_a_second() {
        let mut unproductive = Unproductive::default();
        let mut passing = |seconds: u64, count: usize| {
            let now = Duration::from_secs(seconds);
            (0..count).take_while(|_| !unproductive.came(now)).count()
        };
        assert_eq!(passing(100, 1_000), 128);
        // The one that was too many has its interval too.
        assert_eq!(passing(101, 1_000), 19);
        assert_eq!(passing(200, 1_000), 128, "a long silence brings no more than one burst");
        assert_eq!(passing(300, 20) + passing(301, 20) + passing(302, 20), 60);
    }
}
