//! The allowed values of a setting, for errors, `--help` and the documentation.
//! Must not know which settings there are.

use std::fmt;
use std::time::Duration;

/// The allowed values of a setting, within its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// All values of the type.
    Any,
    /// A list with at least one value.
    AtLeastOne,
    /// The origin of a web page, not of a page in an app.
    Web,
    /// A number from the first to the second.
    Number(u64, u64, Lifted),
    /// A time from the first to the second.
    Time(Duration, Duration, Lifted),
}

/// Whether a limit or a delay can be lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifted {
    /// The text `none` lifts it.
    ByNone,
    /// It cannot be.
    Never,
}

impl Range {
    /// Returns whether the number `value` is in the range.
    pub(super) fn has_number(self, value: u64) -> bool {
        matches!(self, Self::Number(least, most, _) if (least..=most).contains(&value))
    }

    /// Returns whether the time `value` is in the range.
    pub(super) fn has_time(self, value: Duration) -> bool {
        matches!(self, Self::Time(least, most, _) if (least..=most).contains(&value))
    }

    /// Returns whether the limit can be lifted.
    pub(super) fn lifted(self) -> Lifted {
        match self {
            Self::Number(_, _, lifted) | Self::Time(_, _, lifted) => lifted,
            Self::Any | Self::AtLeastOne | Self::Web => Lifted::Never,
        }
    }
}

/// Writes the bounds, such as `1 to 20, or none`; nothing for a range without bounds.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any | Self::AtLeastOne | Self::Web => return Ok(()),
            Self::Number(least, most, _) => write!(f, "{least} to {most}")?,
            Self::Time(least, most, _) => {
                write!(f, "{} to {}", humantime::format_duration(*least), humantime::format_duration(*most))?;
            }
        }
        f.write_str(match self.lifted() {
            Lifted::ByNone => ", or none",
            Lifted::Never => "",
        })
    }
}
