//! Backups of a data directory that are restored in every way in which an operator may do that. No viewer is resumed
//! that saw something that the directory does not hold, and every viewer is resumed that saw only what it holds. Must
//! not know how frames are made.

mod client;
mod former;
mod judge;
mod known;
mod medium;
mod report;
mod script;
mod site;
mod story;
mod tally;
mod tool;
mod trial;
mod way;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Given;
use super::lives::{Ack, Keeping};
use crate::apt;
use crate::load::{on_a_thread, outcome};
use crate::model::fault::Faults;
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps, output};
use medium::Medium;
use report::Findings;
use site::ServerEnd;
use story::{BackupStory, Plot};
use tally::WayTally;
use trial::RestoreCase;
use way::{MarkerFile, Moment, RestoreWay};

/// The most time of all restores of one story.
const LIMIT: Duration = Duration::from_secs(600);

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
}

/// The findings of the restores of some stories.
#[derive(Debug, Default)]
struct RestoreFindings {
    rows: BTreeMap<RestoreWay, WayTally>,
    faults: Faults,
    /// The number of backups of a running server that did not open and were made again.
    made_again: u64,
}

impl RestoreFindings {
    /// Adds those of another story.
    fn add(&mut self, other: &Self) {
        other.rows.iter().for_each(|(&way, row)| self.rows.entry(way).or_default().add(row));
        self.faults.add(&other.faults);
        self.made_again += other.made_again;
    }
}

impl Scenario for Plan {
    type Options = ();
    type Given = Given;

    fn plans(_: &(), given: Given) -> Vec<Self> {
        vec![Self { seed: given.seed }]
    }

    fn run(self, steps: &mut Steps) -> Result<Report, Failure> {
        measure(self, steps).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan, steps: &mut Steps) -> Result<Findings, Failure> {
    let started = Instant::now();
    let mut not_run = BTreeMap::new();
    if let Err(missing) = rsync(steps) {
        let ways = RestoreWay::ALL.into_iter().filter(|way| way.needs_rsync());
        not_run.extend(ways.map(|way| (way, missing.to_string())));
    }
    let ways: Vec<_> = RestoreWay::ALL.into_iter().filter(|way| !not_run.contains_key(way)).collect();
    let (on_devices, in_directories): (Vec<_>, Vec<_>) =
        ways.into_iter().partition(|way| *way == RestoreWay::RolledBack);
    let mut all = RestoreFindings::default();
    let ends = [ServerEnd::Stopped, ServerEnd::Killed];
    let stories = [Ack::Written, Ack::Disk].into_iter().flat_map(|ack| ends.map(|end| (ack, end)));
    for (number, (ack, end)) in stories.enumerate() {
        let name = |kind| format!("rtbroadcaster-restores-{kind}-{number}-{}", std::process::id());
        let base = |kind| -> PathBuf { std::env::temp_dir().join(name(kind)) };
        // In half of them; both levels and both ends are among these.
        let fills = matches!((ack, end), (Ack::Written, ServerEnd::Killed) | (Ack::Disk, ServerEnd::Stopped));
        let plot = Plot { keeping: Keeping { ack, history_messages_max: None }, end, fills };
        let mut play = |medium, ways: &[RestoreWay]| {
            let (ways, random) = (ways.to_vec(), Random::new(plan.seed, number as u64 * 2 + u64::from(ways.len() > 1)));
            let shown = outcome(on_a_thread(LIMIT, move || restores(medium, plot, ways, random)))?;
            all.add(&shown);
            Ok::<_, Failure>(())
        };
        play(Medium::directory(base("directory"))?, &in_directories)?;
        match Medium::device(base("device")) {
            Ok(medium) => play(medium, &on_devices)?,
            Err(failure) => drop(not_run.insert(RestoreWay::RolledBack, failure.to_string())),
        }
    }
    let (former, found) = former::measure(plan.seed, steps)?;
    all.faults.add(&found);
    Ok(Findings { plan, all, not_run, former, time: started.elapsed() })
}

/// Makes one story and restores its backups in these ways.
async fn restores(
    medium: Medium,
    plot: Plot,
    ways: Vec<RestoreWay>,
    mut random: Random,
) -> Result<RestoreFindings, Failure> {
    let mut shown = RestoreFindings::default();
    let mut story = BackupStory::make(medium, plot, &mut random, &mut shown.faults).await?;
    shown.made_again = story.made_again;
    for way in ways {
        for moment in [Moment::AtRest, Moment::Running] {
            for marker in [MarkerFile::Without, MarkerFile::With] {
                let (case, row) = (RestoreCase { way, moment, marker }, shown.rows.entry(way).or_default());
                let found = trial::run(&mut story, case, row, &mut random).await;
                let found = found.map_err(|failure| Failure::new(format!("{case:?}, {plot:?}: {failure}")))?;
                shown.faults.add(&found);
            }
        }
    }
    Ok(shown)
}

/// Fails unless there is an rsync. On Debian and Ubuntu root gets a missing one by apt-get.
fn rsync(steps: &mut Steps) -> Result<(), Failure> {
    if output("rsync", "--version").is_some() {
        return Ok(());
    }
    let missing = Failure::new("there is no rsync");
    apt::install(steps, "rsync", apt::Systems::Relatives, missing)
}
