//! The findings of the targets, as a table. Must not know how targets are run.

use std::fmt;

use crate::steps::Failure;

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RunOutcome {
    Passed,
    /// Ended at the first finding: the file that holds it, or none if the target did not even start.
    Crashed(Option<String>),
}

/// One run of one target.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The number of inputs tried.
    executions: u64,
    /// The number of inputs tried per second.
    per_second: u64,
    /// The number of edges of the program that all inputs together have reached.
    edges: u64,
    /// The number of inputs kept because each reached an edge that none had reached before.
    new_inputs: u64,
    verdict: RunOutcome,
}

impl Run {
    /// Reads libFuzzer's output of a run.
    pub(super) fn read(told: &str, passed: bool) -> Self {
        let progress = told.lines().rev().find(|line| line.starts_with('#') && line.contains(" cov: "));
        let words: Vec<&str> = progress.unwrap_or_default().split_whitespace().collect();
        let edges = words.iter().position(|word| *word == "cov:").and_then(|place| words.get(place + 1)?.parse().ok());
        let last = words.first().and_then(|word| word.trim_start_matches('#').parse().ok());
        let total = |name: &str| {
            let line = told.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|total| total.trim().parse().ok())
        };
        let artifact =
            told.lines().find_map(|line| Some(line.split_once("Test unit written to ")?.1.trim().to_owned()));
        Self {
            executions: total("number_of_executed_units").or(last).unwrap_or_default(),
            per_second: total("average_exec_per_sec").unwrap_or_default(),
            edges: edges.unwrap_or_default(),
            new_inputs: total("new_units_added").unwrap_or_default(),
            verdict: if passed { RunOutcome::Passed } else { RunOutcome::Crashed(artifact) },
        }
    }

    /// Returns whether the run passed: a run that tried no input did not.
    fn has_passed(&self) -> bool {
        self.verdict == RunOutcome::Passed && self.executions > 0
    }
}

/// All runs.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<(String, Run)>);

impl Report {
    pub(super) fn add(&mut self, runs: Vec<(String, Run)>) {
        self.0.extend(runs);
        self.0.sort_by(|(one, _), (other, _)| one.cmp(other));
    }

    /// Returns the number of targets without a finding.
    pub(super) fn passed(&self) -> usize {
        self.0.iter().filter(|(_, run)| run.has_passed()).count()
    }

    /// Fails if a target found something or tried nothing; the error says how to reproduce it.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let failed = self.0.iter().filter(|(_, run)| !run.has_passed());
        let failed: Vec<String> = failed.map(|(target, run)| again(target, &run.verdict)).collect();
        if failed.is_empty() { Ok(()) } else { Err(Failure::new(failed.join("\n"))) }
    }
}

/// Returns the command that reproduces a failed run.
fn again(target: &str, verdict: &RunOutcome) -> String {
    let RunOutcome::Crashed(Some(input)) = verdict else {
        return format!("{target}: it did not run, target/fuzz/{target}.log has the reason");
    };
    format!(
        "{target}: found {input}\n  again:          cargo xtask fuzz --target {target} --input {input}\n  \
         as a test:      cp {input} fuzz/corpus/{target}/NAME && cargo test -p rtbroadcaster-properties\n  \
         what was told:  target/fuzz/{target}.log"
    )
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["executions", "per second", "edges", "new inputs", "crashes"];
        let [executions, per_second, edges, new_inputs, crashes] = head;
        writeln!(f, "{:<10} {executions:>12} {per_second:>10} {edges:>8} {new_inputs:>10} {crashes:>8}", "target")?;
        for (target, Run { executions, per_second, edges, new_inputs, verdict }) in &self.0 {
            let crashes = u8::from(*verdict != RunOutcome::Passed);
            writeln!(f, "{target:<10} {executions:>12} {per_second:>10} {edges:>8} {new_inputs:>10} {crashes:>8}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "INFO: seed corpus: files: 31\n#32\tINITED cov: 210 ft: 400 corp: 20/90b exec/s: 0 rss: 40Mb\n\
                        #900\tREDUCE cov: 333 ft: 512 corp: 57/1200b lim: 40 exec/s: 300 rss: 41Mb L: 5/9\n";
    const TOTALS: &str = "stat::number_of_executed_units: 1000\nstat::average_exec_per_sec:     300\n\
                          stat::new_units_added:          37\nstat::slowest_unit_time_sec:    0\n";
    const CRASH: &str = "==1== ERROR: libFuzzer: deadly signal\nartifact_prefix='fuzz/artifacts/decoder/'; \
                         Test unit written to fuzz/artifacts/decoder/crash-7\n";

    fn run(executions: u64, verdict: RunOutcome) -> Run {
        Run { executions, per_second: 300, edges: 333, new_inputs: 37, verdict }
    }

    fn report(run: Run) -> Report {
        Report(vec![("decoder".into(), run)])
    }

    #[test]
    fn a_run_that_ended_in_time_has_its_totals() {
        assert_eq!(Run::read(&[TOLD, TOTALS].concat(), true), run(1_000, RunOutcome::Passed));
    }

    #[test]
    fn a_run_that_crashed_has_its_progress_and_its_finding() {
        let found = RunOutcome::Crashed(Some("fuzz/artifacts/decoder/crash-7".into()));
        let told = Run::read(&[TOLD, CRASH].concat(), false);
        assert_eq!(told, Run { per_second: 0, new_inputs: 0, ..run(900, found.clone()) });
        assert_eq!(Run::read(&[TOLD, CRASH, TOTALS].concat(), false), run(1_000, found));
    }

    #[test]
    fn a_target_that_crashed_or_did_nothing_fails_the_report() {
        assert!(report(run(9, RunOutcome::Passed)).verdict().is_ok());
        assert!(report(run(0, RunOutcome::Passed)).verdict().is_err());
        assert!(report(run(9, RunOutcome::Crashed(None))).verdict().is_err());
        let found = report(run(9, RunOutcome::Crashed(Some("fuzz/artifacts/decoder/crash-7".into()))));
        let said = found.verdict().unwrap_err().to_string();
        assert!(said.contains("cargo xtask fuzz --target decoder --input fuzz/artifacts/decoder/crash-7"), "{said}");
        assert_eq!((found.passed(), report(run(9, RunOutcome::Passed)).passed()), (0, 1));
    }

    #[test]
    fn the_table_has_a_row_for_each_target_in_order() {
        let mut all = report(run(1_000, RunOutcome::Passed));
        all.add(vec![("backlog".into(), run(9, RunOutcome::Crashed(None)))]);
        let table = all.to_string();
        let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows, [["backlog", "9", "300", "333", "37", "1"], ["decoder", "1000", "300", "333", "37", "0"]]);
    }
}
