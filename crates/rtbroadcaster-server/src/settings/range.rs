//! Which values a setting may have, as errors, `--help` and the documentation tell it.
//! Must not know which settings there are.

use std::fmt;
use std::time::Duration;

/// What a setting may be, besides being of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// All that its type takes.
    Any,
    /// A list that is not empty.
    AtLeastOne,
    /// An address of a page on the web, not of one in an app.
    Web,
    /// A number from the first to the second.
    Number(u64, u64, Lifted),
    /// A time from the first to the second.
    Time(Duration, Duration, Lifted),
}

/// Whether a limit or a delay can be lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifted {
    /// By the text `none`.
    ByNone,
    /// It cannot be.
    Never,
}

impl Range {
    /// Whether the number `value`, which is no lifted limit, is in it.
    pub(super) fn has_number(self, value: u64) -> bool {
        matches!(self, Self::Number(least, most, _) if (least..=most).contains(&value))
    }

    /// Whether the time `value`, which is no lifted one, is in it.
    pub(super) fn has_time(self, value: Duration) -> bool {
        matches!(self, Self::Time(least, most, _) if (least..=most).contains(&value))
    }

    /// Returns how what it bounds is lifted.
    pub(super) fn lifted(self) -> Lifted {
        match self {
            Self::Number(_, _, lifted) | Self::Time(_, _, lifted) => lifted,
            Self::Any | Self::AtLeastOne | Self::Web => Lifted::Never,
        }
    }
}

/// The bounds and how they are lifted, such as `1 to 20, or none`; empty for a range without bounds.
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
