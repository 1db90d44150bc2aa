//! The summary as text. Must not know where the figures come from.

use std::fmt;

use super::claim::TargetClaim;
use super::contender::Contender;
use super::statistics::Spread;
use super::summary::{ContenderRow, Summary, Table};

/// The mark in place of a missing figure.
const NONE: &str = "-";

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tables.iter().try_for_each(|table| write!(f, "\n{table}"))?;
        writeln!(f, "\ntargets, by the median (least to most):")?;
        self.claims.iter().try_for_each(|claim| writeln!(f, "{claim}"))?;
        if self.is_floor_unchecked {
            writeln!(f, "\nBun was not measured: no round could be found void")?;
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Table { cell, metric, rows, void_rounds } = self;
        writeln!(f, "{cell}: {}, medians (least to most)", metric.title())?;
        for ContenderRow { contender, figure, ratio } in rows {
            let shown = |figure| metric.shown(figure);
            let figure = figure.map_or_else(|| NONE.into(), |figure| spread(figure, shown));
            let ratio = ratio.map(|ratio| spread(ratio, |ratio| format!("{ratio:.2}")));
            let against = if *contender == Contender::FloorAgain { "x itself" } else { "x floor" };
            let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio} {against}"));
            writeln!(f, "{}", format!("  {:12} {figure:<28} {ratio}", contender.name()).trim_end())?;
        }
        if !void_rounds.is_empty() {
            writeln!(f, "  void, because Bun beats the floor by over 15 %: rounds {void_rounds:?}")?;
        }
        Ok(())
    }
}

impl fmt::Display for TargetClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ratios are small, bytes are not.
        let shown = |figure: f64| if self.at_most < 100.0 { format!("{figure:.2}") } else { format!("{figure:.0}") };
        let found = self.found.map_or_else(|| NONE.into(), |found| spread(found, shown));
        let word = match self.found {
            None => "not measured",
            Some(_) if self.is_met() => "met",
            Some(_) => "MISSED",
        };
        write!(f, "  {:12} {}: {found}, at most {}", word, self.text, shown(self.at_most))
    }
}

/// Returns the median, with the least and the greatest if there are others.
fn spread(Spread { least, median, most }: Spread, shown: impl Fn(f64) -> String) -> String {
    if least.total_cmp(&most).is_eq() {
        return shown(median);
    }
    format!("{} ({} to {})", shown(median), shown(least), shown(most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figures::Metric;

    #[test]
    fn a_table_shows_medians_ratios_and_what_is_void() {
        let floor = Spread { least: 90.0, median: 100.0, most: 110.0 };
        let row = |contender, figure, ratio| ContenderRow { contender, figure, ratio };
        let table = Table {
            cell: "9 viewers".into(),
            metric: Metric::CpuPerDelivery,
            rows: vec![
                row(Contender::Floor, Some(floor), None),
                row(Contender::V2, Some(floor), Some(Spread { least: 1.0, median: 1.254, most: 1.5 })),
                row(Contender::Bun, None, None),
            ],
            void_rounds: vec![2],
        };
        let expected = "9 viewers: CPU per delivery, ns, medians (least to most)\n  \
                        floor        100 (90 to 110)\n  \
                        v2           100 (90 to 110)              1.25 (1.00 to 1.50) x floor\n  \
                        bun          -\n  \
                        void, because Bun beats the floor by over 15 %: rounds [2]\n";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn a_target_says_whether_it_is_met() {
        let claim = |found| TargetClaim { text: "a / b".into(), at_most: 1.1, found };
        let found = |median| Some(Spread { least: 1.0, median, most: 2.0 });
        assert_eq!(claim(found(1.1)).to_string(), "  met          a / b: 1.10 (1.00 to 2.00), at most 1.10");
        let alone = Spread { least: 1.0, median: 1.0, most: 1.0 };
        assert!(claim(Some(alone)).to_string().ends_with("a / b: 1.00, at most 1.10"));
        assert!(claim(found(1.2)).to_string().starts_with("  MISSED "));
        assert!(claim(None).to_string().starts_with("  not measured "));
    }
}
