//! How a measurement ends that has no cells: its targets are told, and everything is written. Must not know what was
//! measured.

use std::path::Path;

use serde::Serialize;

use super::claim::Claim;
use super::journal::Journal;
use crate::steps::Failure;

/// What was made of the runs.
#[derive(Debug, Serialize)]
pub(super) struct Outcome<T> {
    /// What was seen of the server besides each run's figures.
    pub(super) seen: Vec<T>,
    pub(super) claims: Vec<Claim>,
}

impl<T: Serialize> Outcome<T> {
    /// Fails when a run did. A target that is missed is told; on a busy machine it says little.
    pub(super) fn tell(&self, journal: &Journal, json: Option<&Path>) -> Result<(), Failure> {
        println!("\ntargets, by the median (least to most):");
        for claim in &self.claims {
            println!("{claim}");
        }
        println!();
        if let Some(path) = json {
            journal.write(self, path)?;
        }
        match journal.failures() {
            0 => Ok(()),
            failures => Err(Failure::new(format!("{failures} runs failed: see FAILED above"))),
        }
    }
}
