//! The summary of all rounds: medians, ratios to the floor, void rounds, and met targets. Must not know how it is
//! shown.

use serde::Serialize;

use super::cell::{Cell, PublishPace};
use super::claim::{self, TargetClaim};
use super::contender::Contender;
use super::figures::Metric;
use super::journal::RunJournal;
use super::statistics::{Rounds, Spread, means, ratios, valid, voids};
use crate::report::Judged;
use crate::steps::Failure;

/// One contender in one cell.
#[derive(Debug, Serialize)]
pub(super) struct ContenderRow {
    pub(super) contender: Contender,
    pub(super) figure: Option<Spread>,
    /// Its ratio to the mean of both floors of the same round; of the second floor to the first one.
    pub(super) ratio: Option<Spread>,
}

/// One figure of all contenders in one cell.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    pub(super) cell: String,
    pub(super) metric: Metric,
    pub(super) rows: Vec<ContenderRow>,
    /// The rounds, from 1, that do not count because the floor was no floor.
    pub(super) void_rounds: Vec<usize>,
}

/// The whole summary.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) tables: Vec<Table>,
    pub(super) claims: Vec<TargetClaim>,
    /// The number of failed runs.
    failures: usize,
    /// The cells in which most rounds are void.
    void_cells: Vec<String>,
    /// Whether no round could be found void: Bun was measured in no cell with a floor.
    pub(super) is_floor_unchecked: bool,
}

/// The figures that count, by cell, contender and kind.
pub(super) struct Valid<'a> {
    journal: &'a RunJournal,
}

impl<'a> Valid<'a> {
    pub(super) fn of(journal: &'a RunJournal) -> Self {
        Self { journal }
    }

    /// Returns the figures of the rounds that are not void.
    pub(super) fn rounds(&self, cell: &Cell, contender: Contender, metric: Metric) -> Rounds {
        valid(&self.journal.rounds(cell, contender, metric), &self.voids(cell))
    }

    /// Returns the mean of both floors of each round.
    pub(super) fn floor(&self, cell: &Cell, metric: Metric) -> Rounds {
        let [one, other] = [Contender::Floor, Contender::FloorAgain].map(|floor| self.rounds(cell, floor, metric));
        means(&one, &other)
    }

    /// Returns whether Bun has a figure in some round, by which a round could be void.
    fn has_bun(&self, cell: &Cell) -> bool {
        self.journal.rounds(cell, Contender::Bun, Metric::CpuPerDelivery).iter().any(Option::is_some)
    }

    /// Returns for each round whether it is void: by the CPU time of a delivery in a closed loop. At a given rate that
    /// time depends on how many messages are batched.
    fn voids(&self, cell: &Cell) -> Vec<bool> {
        if !matches!(cell.pace, PublishPace::Window(_)) {
            return Vec::new();
        }
        let cost = |contender| self.journal.rounds(cell, contender, Metric::CpuPerDelivery);
        voids(&means(&cost(Contender::Floor), &cost(Contender::FloorAgain)), &cost(Contender::Bun))
    }
}

impl Summary {
    pub(super) fn of(journal: &RunJournal, cells: &[Cell]) -> Self {
        let figures = Valid::of(journal);
        let tables = cells.iter().flat_map(|cell| cell.metrics.iter().map(|&metric| table(&figures, cell, metric)));
        let is_void = |cell: &&Cell| {
            let voids = figures.voids(cell);
            // One round alone is no majority.
            voids.len() > 1 && 2 * voids.iter().filter(|void| **void).count() > voids.len()
        };
        let by_floor =
            |cell: &&Cell| matches!(cell.pace, PublishPace::Window(_)) && cell.contenders.contains(&Contender::Floor);
        let mut checked = cells.iter().filter(by_floor).peekable();
        let is_floor_unchecked = checked.peek().is_some() && !checked.any(|cell| figures.has_bun(cell));
        Self {
            is_floor_unchecked,
            tables: tables.collect(),
            claims: claim::all(&figures, cells),
            failures: journal.failures(),
            void_cells: cells.iter().filter(is_void).map(|cell| cell.name.clone()).collect(),
        }
    }
}

impl Judged for Summary {
    /// Fails if something was lost in any run, if something forbidden happened, or if the floor was no floor in most
    /// rounds of a cell. A missed target is only printed; on a busy machine it says little.
    fn verdict(&self) -> Result<(), Failure> {
        if self.failures > 0 {
            return Err(Failure::new(format!("{} runs failed: see FAILED above", self.failures)));
        }
        // Independent of the machine.
        if let Some(claim) = self.claims.iter().find(|claim| claim.at_most <= 0.0 && !claim.is_met()) {
            return Err(Failure::new(claim.to_string().trim().to_owned()));
        }
        if !self.void_cells.is_empty() {
            let cells = self.void_cells.join("; ");
            return Err(Failure::new(format!(
                "Bun beats the floor by over 15 % in most rounds, so it is none: {cells}"
            )));
        }
        Ok(())
    }
}

fn table(figures: &Valid<'_>, cell: &Cell, metric: Metric) -> Table {
    let floor = figures.floor(cell, metric);
    let row = |contender: Contender| {
        let rounds = figures.rounds(cell, contender, metric);
        let ratio = match contender {
            Contender::Floor => Vec::new(),
            _ if !metric.is_compared() => Vec::new(),
            Contender::FloorAgain => ratios(&rounds, &figures.rounds(cell, Contender::Floor, metric)),
            _ => ratios(&rounds, &floor),
        };
        let figure = Spread::of(rounds.into_iter().flatten());
        ContenderRow { contender, figure, ratio: Spread::of(ratio.into_iter().flatten()) }
    };
    let voids = figures.voids(cell).into_iter().enumerate();
    Table {
        cell: cell.name.clone(),
        metric,
        rows: cell.contenders.iter().map(|&contender| row(contender)).collect(),
        void_rounds: voids.filter(|(_, is_void)| *is_void).map(|(round, _)| round + 1).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bench::cell::tests::plan;

    /// Returns the summary of a cell in which each contender has these costs in the rounds.
    fn summary(costs: &[(Contender, &[f64])]) -> Summary {
        let plan = plan();
        let cells = plan.cells(|_| Ok(json!({ "server_cpu_ns_per_delivery": 1.0 }).into())).unwrap();
        let mut runs = Vec::new();
        for (contender, costs) in costs {
            for (round, cost) in (0..).zip(*costs) {
                // A run in which something was lost has no output.
                let told = cost.is_finite().then(|| json!({ "server_cpu_ns_per_delivery": cost }));
                runs.push((round, &cells[0], *contender, told));
            }
        }
        Summary::of(&RunJournal::of(&plan, &runs), &cells[..1])
    }

    #[test]
    fn a_ratio_is_the_median_of_the_rounds_to_both_floors() {
        let summary = summary(&[
            (Contender::Floor, &[100.0, 200.0, 100.0]),
            (Contender::FloorAgain, &[120.0, 200.0, 100.0]),
            (Contender::V2, &[110.0, 220.0, 120.0]),
        ]);
        let row = |contender| summary.tables[0].rows.iter().find(|row| row.contender == contender).unwrap();
        let of = |spread: Option<Spread>| spread.map(|spread| (spread.least, spread.median, spread.most));
        assert_eq!(of(row(Contender::V2).figure), Some((110.0, 120.0, 220.0)));
        assert_eq!(of(row(Contender::V2).ratio), Some((1.0, 1.1, 1.2)));
        assert_eq!(of(row(Contender::FloorAgain).ratio), Some((1.0, 1.0, 1.2)));
        assert!(row(Contender::Floor).ratio.is_none() && row(Contender::Bun).figure.is_none());
        assert!(summary.verdict().is_ok());
    }

    #[test]
    fn void_rounds_do_not_count_and_most_of_them_fail() {
        let summary = summary(&[
            (Contender::Floor, &[100.0, 200.0]),
            (Contender::Bun, &[100.0, 100.0]),
            (Contender::V2, &[150.0, 100.0]),
        ]);
        let table = &summary.tables[0];
        assert_eq!(table.void_rounds, [2]);
        assert_eq!(table.rows.iter().find(|row| row.contender == Contender::V2).unwrap().figure.unwrap().most, 150.0);
        assert!(summary.verdict().is_ok(), "one of seven");
        assert!(!summary.to_string().contains("Bun was not measured"), "{summary}");
        let costs = (&[9.0; 7][..], &[1.0; 7][..]);
        let failure = super::tests::summary(&[(Contender::Floor, costs.0), (Contender::Bun, costs.1)]).verdict();
        assert!(failure.unwrap_err().to_string().contains("1000 viewers, 512 bytes, W=1"));
    }

    #[test]
    fn without_bun_the_summary_says_that_no_round_could_be_void() {
        let summary = summary(&[(Contender::Floor, &[900.0, 1.0]), (Contender::V2, &[9.0, 9.0])]);
        assert!(summary.tables[0].void_rounds.is_empty() && summary.verdict().is_ok());
        assert!(summary.to_string().ends_with("\nBun was not measured: no round could be found void\n"), "{summary}");
    }

    #[test]
    fn a_loss_in_any_run_fails() {
        let summary = summary(&[(Contender::Floor, &[100.0]), (Contender::Ws, &[f64::NAN])]);
        assert!(summary.verdict().unwrap_err().to_string().starts_with("1 runs failed"));
    }
}
