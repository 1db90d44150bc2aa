//! Counts of instructions and allocations, kept in a file, and the differences between two of them. Must not know how
//! they are counted.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::report::Judged;
use crate::steps::Failure;

/// The most by which a part may grow over the baseline, in percent.
const GROWTH_PERCENT_MAX: u64 = 5;

/// The name of a part.
pub(super) type PartName = String;

/// The number of instructions of each part, each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    /// The tools that built and counted them: others count differently.
    pub(super) tools: String,
    pub(super) instructions: BTreeMap<PartName, u64>,
    /// The number of allocations of each part, each time.
    pub(super) allocations: BTreeMap<PartName, u64>,
}

impl Baseline {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |why: String| Failure::new(format!("the baseline cannot be read ({why}): run with --accept"));
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).expect("names and numbers can be written") + "\n";
        fs::write(path, text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "instructions and allocations each time ({})", self.tools)?;
        self.instructions.iter().try_for_each(|(part, count)| {
            let allocations = self.allocations.get(part).copied().unwrap_or_default();
            writeln!(f, "  {part:48} {count:>9} {allocations:>6}")
        })
    }
}

/// The differences between counts and the baseline.
#[derive(Debug)]
pub(super) struct Difference {
    /// The tools of the baseline, and those of the counts now.
    tools: [String; 2],
    /// Each part with its count in the baseline and now.
    parts: BTreeMap<PartName, [Option<u64>; 2]>,
    /// The parts that allocate more often than in the baseline, with both counts.
    hungrier: Vec<(PartName, [u64; 2])>,
}

impl Difference {
    pub(super) fn between(then: &Baseline, now: &Baseline) -> Self {
        let mut parts: BTreeMap<PartName, [Option<u64>; 2]> = BTreeMap::new();
        for (place, counts) in [then, now].into_iter().enumerate() {
            for (part, count) in &counts.instructions {
                parts.entry(part.clone()).or_default()[place] = Some(*count);
            }
        }
        let hungrier = now.allocations.iter().filter_map(|(part, now)| {
            let then = then.allocations.get(part)?;
            (now > then).then(|| (part.clone(), [*then, *now]))
        });
        Self { tools: [then.tools.clone(), now.tools.clone()], parts, hungrier: hungrier.collect() }
    }
}

impl Judged for Difference {
    /// Fails if a part takes over 5 % more, or if only the code or only the baseline has it.
    fn verdict(&self) -> Result<(), Failure> {
        let wrong: Vec<&str> =
            self.parts.iter().filter(|(_, counts)| is_wrong(**counts)).map(|(part, _)| part.as_str()).collect();
        if wrong.is_empty() {
            return match self.hungrier.as_slice() {
                [] => Ok(()),
                [(part, _), ..] => Err(Failure::new(format!("more allocations than in the baseline: {part}"))),
            };
        }
        let other = if self.tools[0] == self.tools[1] { "" } else { " (the baseline was made by other tools)" };
        let wrong = wrong.join(", ");
        Err(Failure::new(format!(
            "over {GROWTH_PERCENT_MAX} % more instructions than in the baseline, or not in it: {wrong}{other}"
        )))
    }
}

/// Returns by how much the count has grown, in percent.
#[expect(clippy::cast_precision_loss, reason = "a count is far below 2^52")]
fn growth_percent(then: u64, now: u64) -> f64 {
    100.0 * (now as f64 / (then.max(1)) as f64 - 1.0)
}

fn is_wrong(counts: [Option<u64>; 2]) -> bool {
    match counts {
        [Some(then), Some(now)] => 100 * now > (100 + GROWTH_PERCENT_MAX) * then,
        _ => true,
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [then, now] = &self.tools;
        if then != now {
            writeln!(f, "The baseline was made by {then}; these are {now}.")?;
        }
        writeln!(f, "  {:48} {:>9} {:>9}", "instructions each time", "baseline", "now")?;
        for (part, &counts) in &self.parts {
            let mark = if is_wrong(counts) { "  TOO MANY" } else { "" };
            match counts {
                [Some(then), Some(now)] => {
                    writeln!(f, "  {part:48} {then:>9} {now:>9} {:>+7.1} %{mark}", growth_percent(then, now))?;
                }
                [then, now] => {
                    let shown = |count: Option<u64>| count.map_or_else(|| "-".into(), |count| count.to_string());
                    writeln!(f, "  {part:48} {:>9} {:>9}  only one has it", shown(then), shown(now))?;
                }
            }
        }
        self.hungrier
            .iter()
            .try_for_each(|(part, [then, now])| writeln!(f, "  {part:48} {then:>9} {now:>9}  allocations: TOO MANY"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(tools: &str, parts: &[(&str, u64)]) -> Baseline {
        let instructions = parts.iter().map(|(part, count)| ((*part).to_owned(), *count)).collect();
        Baseline { tools: tools.into(), instructions, allocations: BTreeMap::from([("read".into(), 3)]) }
    }

    fn check(now: &Baseline, expected: Result<(), &str>) {
        let then = counts("a", &[("read", 1_000), ("write", 20)]);
        let difference = Difference::between(&then, now);
        let verdict = difference.verdict().map_err(|failure| failure.to_string());
        match expected {
            Ok(()) => assert_eq!(verdict, Ok(())),
            Err(words) => assert!(verdict.clone().unwrap_err().contains(words), "{verdict:?}"),
        }
        assert!(difference.to_string().lines().count() >= 3);
    }

    #[test]
    fn a_part_that_takes_over_five_percent_more_fails_and_one_that_takes_less_does_not() {
        check(&counts("a", &[("read", 1_050), ("write", 10)]), Ok(()));
        check(&counts("a", &[("read", 1_051), ("write", 20)]), Err("read"));
        check(&counts("b", &[("read", 2_000), ("write", 20)]), Err("other tools"));
    }

    #[test]
    fn a_part_that_asks_for_memory_once_more_fails() {
        let mut now = counts("a", &[("read", 1_000), ("write", 20)]);
        now.allocations.insert("read".into(), 4);
        check(&now, Err("more allocations"));
        now.allocations.insert("read".into(), 2);
        check(&now, Ok(()));
    }

    #[test]
    fn a_part_that_only_one_has_fails() {
        check(&counts("a", &[("read", 1_000)]), Err(": write"));
        check(&counts("a", &[("read", 1_000), ("write", 20), ("add", 1)]), Err(": add"));
    }

    #[test]
    fn a_baseline_is_read_as_it_was_written() {
        let path = std::env::temp_dir().join(format!("rtbroadcaster-baseline-{}", std::process::id()));
        let written = counts("a", &[("read", 1_000), ("write", 20)]);
        written.write(&path).unwrap();
        assert_eq!(Baseline::read(&path).unwrap(), written);
        fs::remove_file(&path).unwrap();
        let missing = Baseline::read(&path).unwrap_err().to_string();
        assert!(missing.contains("--accept"), "{missing}");
    }
}
