//! The suite's verdict on each case, the expected verdicts, and their differences. Must not know how a case is run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::steps::Failure;

/// The committed expectation: a case a line, the same for every path.
const EXPECTED: &str = include_str!("expected.txt");

const OK: &str = "OK";
const INFORMATIONAL: &str = "INFORMATIONAL";

/// The number of a case, for example 6.4.1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CaseNumber(Vec<u32>);

impl CaseNumber {
    /// Returns the group of the case: its first number.
    pub(super) fn group(&self) -> u32 {
        self.0[0]
    }

    /// Returns the part of the suite that gets a line of progress: a group, or a part of group 9, which takes minutes.
    pub(super) fn section(&self) -> String {
        match &self.0[..] {
            [9, part, ..] => format!("9.{part}"),
            _ => self.group().to_string(),
        }
    }

    /// Returns whether `pattern` names the case, or its beginning with a `*`.
    fn is_named(&self, pattern: &str) -> bool {
        let name = self.to_string();
        pattern.strip_suffix('*').map_or(name == pattern, |beginning| name.starts_with(beginning))
    }
}

impl FromStr for CaseNumber {
    type Err = std::num::ParseIntError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        name.split('.').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for CaseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

/// The suite's verdict on one case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CaseVerdict {
    /// The verdict on the echoed messages.
    behavior: String,
    /// The verdict on the end of the connection.
    behavior_close: String,
    /// The code of the testee's close frame, if one came.
    remote_close_code: Option<u16>,
}

impl CaseVerdict {
    fn both(&self, word: &str) -> bool {
        self.behavior == word && self.behavior_close == word
    }
}

impl fmt::Display for CaseVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.remote_close_code.map_or_else(|| "-".into(), |code| code.to_string());
        write!(f, "{}, {}, {code}", self.behavior, self.behavior_close)
    }
}

type CaseVerdicts = BTreeMap<CaseNumber, CaseVerdict>;

/// The verdicts of the suite, for each path.
#[derive(Debug)]
pub(super) struct Results(BTreeMap<String, CaseVerdicts>);

impl Results {
    /// Reads the suite's own report.
    pub(super) fn parse(json: &str) -> Result<Self, Failure> {
        let wrong = |error: &dyn fmt::Display| Failure::new(format!("the suite's report cannot be read: {error}"));
        let told: BTreeMap<String, BTreeMap<String, CaseVerdict>> =
            serde_json::from_str(json).map_err(|error| wrong(&error))?;
        let mut results = BTreeMap::new();
        for (path, verdicts) in told {
            let numbered = verdicts.into_iter().map(|(case, verdict)| Ok((case.parse()?, verdict)));
            let numbered: Result<CaseVerdicts, std::num::ParseIntError> = numbered.collect();
            results.insert(path, numbered.map_err(|error| wrong(&error))?);
        }
        Ok(Self(results))
    }

    /// Returns every case of `paths` named by `patterns` that is not as expected, or is missing on either side.
    pub(super) fn differences(&self, paths: &[&str], patterns: &[String]) -> Result<Vec<Difference>, Failure> {
        let expected = expected(EXPECTED)?;
        let is_named = |case: &&CaseNumber| patterns.iter().any(|pattern| case.is_named(pattern));
        if let Some(pattern) = patterns.iter().find(|pattern| !expected.keys().any(|case| case.is_named(pattern))) {
            return Err(Failure::new(format!("no case that is expected is called {pattern}")));
        }
        let none = CaseVerdicts::new();
        let mut differences = Vec::new();
        for &path in paths {
            let found = self.0.get(path).unwrap_or(&none);
            let cases: BTreeSet<_> = found.keys().chain(expected.keys().filter(is_named)).collect();
            for case in cases.into_iter().filter(|case| found.get(case) != expected.get(case)) {
                let (found, expected) = (found.get(case).cloned(), expected.get(case).cloned());
                differences.push(Difference { path: path.into(), case: case.clone(), found, expected });
            }
        }
        Ok(differences)
    }
}

/// Reads lines of `case: behaviour, behaviour of the close, close code`.
fn expected(text: &str) -> Result<CaseVerdicts, Failure> {
    let parse = |line: &str| {
        let (case, verdict) = line.split_once(": ")?;
        let mut words = verdict.split(", ").map(str::to_owned);
        let (behavior, behavior_close, code) = (words.next()?, words.next()?, words.next()?);
        let remote_close_code = if code == "-" { None } else { Some(code.parse().ok()?) };
        Some((case.parse().ok()?, CaseVerdict { behavior, behavior_close, remote_close_code }))
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| parse(line).ok_or_else(|| Failure::new(format!("expected.txt: what is `{line}`?")))).collect()
}

/// A case that is not as expected.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    path: String,
    case: CaseNumber,
    found: Option<CaseVerdict>,
    expected: Option<CaseVerdict>,
}

impl Difference {
    /// Returns the path and the case.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.path, self.case)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            |verdict: &Option<CaseVerdict>| verdict.as_ref().map_or_else(|| "nothing".into(), CaseVerdict::to_string);
        write!(f, "{}: {} where {} is expected", self.name(), shown(&self.found), shown(&self.expected))
    }
}

/// Prints, for each path, the number of cases of each group and of each verdict.
impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:8} {:10} {:>6} {:>6} {:>14} {:>7}", "group", "path", "cases", "OK", INFORMATIONAL, "others")?;
        let groups: BTreeSet<u32> =
            self.0.values().flat_map(|verdicts| verdicts.keys().map(CaseNumber::group)).collect();
        let rows = groups.into_iter().map(|group| (group.to_string(), Some(group))).chain([("all".to_owned(), None)]);
        for (name, group) in rows {
            for (path, verdicts) in &self.0 {
                let of_group = verdicts.iter().filter(|(case, _)| group.is_none_or(|group| case.group() == group));
                let verdicts: Vec<_> = of_group.map(|(_, verdict)| verdict).collect();
                let count = |word| verdicts.iter().filter(|verdict| verdict.both(word)).count();
                let (cases, ok, informational) = (verdicts.len(), count(OK), count(INFORMATIONAL));
                let others = cases - ok - informational;
                writeln!(f, "{name:8} {path:10} {cases:>6} {ok:>6} {informational:>14} {others:>7}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
