//! The option `--grace`: how long a new room waits for its owner.

use std::str::FromStr;
use std::time::Duration;

use crate::duration;

/// The longest grace that a server accepts.
const LONGEST: Duration = Duration::from_secs(100 * 31_557_600);

/// A grace, at least a millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestedGrace(pub(super) Duration);

impl RequestedGrace {
    /// Returns a note if the grace in force is another one.
    pub(super) fn differs(self, in_force: Option<Duration>) -> Option<String> {
        let shown = humantime::format_duration;
        match in_force {
            Some(grace) if grace == self.0 => None,
            Some(grace) => {
                let (grace, asked) = (shown(grace), shown(self.0));
                Some(format!("the room waits {grace} for its owner, not {asked}: the server has changed it"))
            }
            None => {
                Some("the server does not say how long the room waits for its owner: it may not know --grace".into())
            }
        }
    }
}

impl FromStr for RequestedGrace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match duration::parse(text) {
            Some(time) if time.as_millis() > 0 && time <= LONGEST => {
                // The protocol has whole milliseconds.
                Ok(Self(time - Duration::from_nanos(u64::from(time.subsec_nanos() % 1_000_000))))
            }
            _ => Err("expected a duration such as 45s, 10m or 2h, from 1ms to 100years"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_has_whole_milliseconds_and_at_least_one() {
        for (text, millis) in [("10m", 600_000), ("1ms", 1), ("2ms 900us", 2)] {
            assert_eq!(text.parse(), Ok(RequestedGrace(Duration::from_millis(millis))), "{text}");
        }
        for text in ["0", "0s", "999us", "ever", "-1s", ""] {
            assert!(text.parse::<RequestedGrace>().is_err(), "{text}");
        }
    }

    #[test]
    fn another_grace_than_the_requested_one_is_noted() {
        let asked: RequestedGrace = "10s".parse().unwrap();
        assert_eq!(asked.differs(Some(Duration::from_secs(10))), None);
        assert_eq!(
            asked.differs(Some(Duration::from_secs(55))).as_deref(),
            Some("the room waits 55s for its owner, not 10s: the server has changed it")
        );
        assert!(asked.differs(None).is_some_and(|text| text.contains("--grace")));
    }
}
