//! The findings of a run, in lines for people, and its verdict. Must not know which run it was.

use std::fmt::Display;

use crate::steps::Failure;

/// The findings of a run, which make a report: their lines are what `Display` writes.
pub(crate) trait Judged: Display {
    /// Fails with the reason if anything is not as it must be.
    fn verdict(&self) -> Result<(), Failure>;
}

/// The report of one run.
#[derive(Debug)]
pub(crate) struct Report {
    lines: String,
    verdict: Result<(), Failure>,
}

impl Report {
    /// Returns a report without faults.
    pub(crate) fn good(lines: String) -> Self {
        Self { lines, verdict: Ok(()) }
    }

    /// Prints the lines, and returns the verdict.
    pub(crate) fn print(self) -> Result<(), Failure> {
        println!("{}", self.lines);
        self.verdict
    }

    /// Returns the same lines, with the failure of `outcome` if it has one that the findings do not know.
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
        assert!(Report::from(Lost(0)).print().is_ok());
        assert!(Report::from(Lost(0)).unless(Ok(())).print().is_ok());
        assert_eq!(Report::from(Lost(1)).unless(Ok(())).print().unwrap_err().to_string(), "something was lost");
        assert_eq!(Report::from(Lost(1)).unless(failed()).print().unwrap_err().to_string(), "the disk is full");
        assert!(Report::good(String::new()).print().is_ok());
        assert_eq!(Report::from(Lost(7)).lines, "lost: 7");
    }
}
