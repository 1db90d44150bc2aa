//! The option `--patience`: how long `watch` and `publish` try to reach a server.

use std::str::FromStr;
use std::time::Duration;

use rtbroadcaster::remote::Options;

use crate::duration;

/// The longest patience, one year. Use 0 for ever.
const LONGEST: Duration = Duration::from_secs(31_557_600);

/// The longest time outside of a room; `None` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PatienceArg(pub(crate) Option<Duration>);

impl PatienceArg {
    /// Returns the default options of the client with this patience.
    pub(crate) fn options(self) -> Options {
        let mut options = Options::default();
        options.patience = self.0;
        options
    }
}

impl FromStr for PatienceArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "0" {
            return Ok(Self(None));
        }
        let time = duration::parse(text).filter(|time| *time <= LONGEST);
        let time = time.ok_or("expected a duration such as 250ms, 10s or 5m, up to 1year, or 0 for ever")?;
        Ok(Self((!time.is_zero()).then_some(time)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_for_ever() {
        assert_eq!(
            ["0", "0s", "5m"].map(|text| text.parse().map(|PatienceArg(time)| time)),
            [Ok(None), Ok(None), Ok(Some(Duration::from_secs(300)))]
        );
        for bad in ["soon", "2years", "18446744073709551615s", "18446744073709551615s 1000000000ns"] {
            assert!(bad.parse::<PatienceArg>().is_err(), "{bad}");
        }
    }
}
