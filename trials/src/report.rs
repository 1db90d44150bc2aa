//! What a run has shown, in lines for people, and whether that is good. Must not know which run it was.

use std::fmt::Display;

use crate::steps::Failure;

/// What a run has found, of which a report can be made: its lines are what it displays.
pub(crate) trait Judged: Display {
    /// Fails if anything is not as it must be, with the reason.
    fn verdict(&self) -> Result<(), Failure>;
}

/// The report of one run.
#[derive(Debug)]
pub(crate) struct Report {
    lines: String,
    verdict: Result<(), Failure>,
}

impl Report {
    /// Returns one of what can only be good.
    pub(crate) fn good(lines: String) -> Self {
        Self { lines, verdict: Ok(()) }
    }

    /// Prints the lines, and returns the verdict.
    pub(crate) fn tell(self) -> Result<(), Failure> {
        println!("{}", self.lines);
        self.verdict
    }

    /// The same lines, with a failure where this is one that the findings know nothing of.
    pub(crate) fn unless(self, outcome: Result<(), Failure>) -> Self {
        Self { verdict: outcome.and(self.verdict), ..self }
    }
}

impl<F: Judged> From<F> for Report {
    fn from(findings: F) -> Self {
        Self { lines: findings.to_string(), verdict: findings.verdict() }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    struct Lost(u64);

    impl fmt::Display for Lost {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "lost: {}", self.0)
        }
    }

    impl Judged for Lost {
        fn verdict(&self) -> Result<(), Failure> {
            if self.0 == 0 { Ok(()) } else { Err(Failure::new("something was lost")) }
        }
    }

    #[test]
    fn a_report_is_good_only_if_all_is() {
        let failed = || Err(Failure::new("the disk is full"));
        assert!(Report::from(Lost(0)).tell().is_ok());
        assert!(Report::from(Lost(0)).unless(Ok(())).tell().is_ok());
        assert_eq!(Report::from(Lost(1)).unless(Ok(())).tell().unwrap_err().to_string(), "something was lost");
        assert_eq!(Report::from(Lost(1)).unless(failed()).tell().unwrap_err().to_string(), "the disk is full");
        assert!(Report::good(String::new()).tell().is_ok());
        assert_eq!(Report::from(Lost(7)).lines, "lost: 7");
    }
}
