//! Every run as it was, printed when it is done and kept for the file. Must not know what is computed from it.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::cell::{Cell, Plan};
use super::contender::Contender;
use super::figures::{Figures, Metric};
use super::run::Cores;
use super::statistics::Rounds;
use crate::steps::{Failure, command};

/// One run.
#[derive(Debug, Serialize)]
struct RunRecord {
    /// From 0.
    round: u32,
    cell: String,
    contender: Contender,
    #[serde(skip_serializing_if = "Option::is_none")]
    figures: Option<Figures>,
    /// Why it has no figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

/// All runs so far.
#[derive(Debug, Serialize)]
pub(super) struct RunJournal {
    machine: Machine,
    plan: Plan,
    runs: Vec<RunRecord>,
}

/// The machine and the versions on which the figures depend besides the code.
#[derive(Debug, Default, Serialize)]
struct Machine {
    processor: String,
    kernel: String,
    cores: usize,
    placement: String,
    commit: String,
}

impl Machine {
    fn this(cores: Cores) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let processors = read("/proc/cpuinfo");
        let name = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let commit = command("git", "describe --always --dirty").output().unwrap_or_else(|_| unknown());
        Self {
            processor: name.map_or_else(String::new, |(_, name)| name.into()),
            kernel: read("/proc/sys/kernel/osrelease").trim().into(),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            placement: cores.to_string(),
            commit: String::from_utf8_lossy(&commit.stdout).trim().into(),
        }
    }
}

/// The output of a program that is not there.
fn unknown() -> std::process::Output {
    std::process::Output { status: Default::default(), stdout: Vec::new(), stderr: Vec::new() }
}

impl RunJournal {
    /// Prints on which machine it is measured.
    pub(super) fn begin(plan: &Plan, cores: Cores) -> Self {
        let machine = Machine::this(cores);
        let Machine { processor, kernel, cores, placement, commit } = &machine;
        println!("{cores} cores of {processor}, Linux {kernel}, commit {commit}; {placement}");
        Self { machine, plan: plan.clone(), runs: Vec::new() }
    }

    /// Prints and keeps the outcome of a run.
    pub(super) fn note(&mut self, round: u32, cell: &Cell, contender: Contender, outcome: Result<Figures, Failure>) {
        print!("round {}/{}  {}  {}: ", round + 1, self.plan.rounds, cell.name, contender.name());
        let (figures, failure) = match outcome {
            Ok(figures) => {
                println!("{figures}");
                (Some(figures), None)
            }
            Err(failure) => {
                println!("FAILED: {failure}");
                (None, Some(failure.to_string()))
            }
        };
        self.runs.push(RunRecord { round, cell: cell.name.clone(), contender, figures, failure });
    }

    /// Returns the figure of each round.
    pub(super) fn rounds(&self, cell: &Cell, contender: Contender, metric: Metric) -> Rounds {
        let mut rounds = vec![None; self.plan.rounds as usize];
        for run in self.runs.iter().filter(|run| run.cell == cell.name && run.contender == contender) {
            rounds[run.round as usize] = run.figures.as_ref().and_then(|figures| figures.get(metric));
        }
        rounds
    }

    /// Returns the number of runs without figures, because something was lost or did not work.
    pub(super) fn failures(&self) -> usize {
        self.runs.iter().filter(|run| run.failure.is_some()).count()
    }

    /// Writes everything to a file, with the summary.
    pub(super) fn write(&self, summary: &impl Serialize, path: &Path) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct JournalFile<'a, S> {
            #[serde(flatten)]
            journal: &'a RunJournal,
            summary: &'a S,
        }
        let text = serde_json::to_string_pretty(&JournalFile { journal: self, summary });
        let text = text.expect("figures and names can be written") + "\n";
        fs::write(path, text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    }
}

#[cfg(test)]
impl RunJournal {
    /// Returns a journal of only these runs: round, cell, contender, and output.
    pub(super) fn of(plan: &Plan, runs: &[(u32, &Cell, Contender, Option<serde_json::Value>)]) -> Self {
        let mut journal = Self { machine: Machine::default(), plan: plan.clone(), runs: Vec::new() };
        for (round, cell, contender, told) in runs {
            let outcome = told.clone().map(Figures::from).ok_or_else(|| Failure::new("1 lost"));
            journal.note(*round, cell, *contender, outcome);
        }
        journal
    }
}
