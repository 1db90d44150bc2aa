//! Clients of the last version without lives, while the server of this version is restarted three times: they come
//! back, without a loop, and end in the owner's state. Must not know their protocol.

mod build;
mod pair;
mod process;

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::chaos::lives::{Keeping, ServerSuccession};
use crate::chaos::restarts::{ServerEnd, begun, ended};
use crate::load::{on_a_thread, outcome, target};
use crate::model::fault::Faults;
use crate::random::Random;
use crate::steps::{Failure, Steps};
use build::BuildResult;
use pair::Pair;

/// The way in which each server ends.
const ENDS: [ServerEnd; 3] = [ServerEnd::Stopped, ServerEnd::Killed, ServerEnd::Stopped];

/// The most time of everything.
const LIMIT: Duration = Duration::from_secs(420);

/// The outcome of an owner and a viewer of one kind.
#[derive(Debug)]
pub(super) enum Former {
    NotRun(String),
    Ran {
        restarts: usize,
        /// The number of messages acknowledged.
        acked: u64,
        /// The most connections that the owner made to one of the servers after the first, and the viewer.
        connections: [u64; 2],
        /// The most time until the owner was acknowledged and the viewer had its state.
        back: Duration,
    },
}

/// Each kind with its name, and the faults.
type FormerFindings = (Vec<(&'static str, Former)>, Faults);

/// Builds them and runs both kinds at once.
pub(super) fn measure(seed: u64, steps: &mut Steps) -> Result<FormerFindings, Failure> {
    let folder = target().join(format!("clients-{}", build::COMMIT));
    let (library, sdk) = (build::library(&folder, steps)?, build::sdk(&folder, steps)?);
    if let (BuildResult::Not(library), BuildResult::Not(sdk)) = (&library, &sdk) {
        let not_run = |why: &String| Former::NotRun(why.clone());
        return Ok((vec![(pair::LIBRARY, not_run(library)), (pair::SDK, not_run(sdk))], Faults::default()));
    }
    let lineage = ServerSuccession::begin("former", Keeping::default(), &mut Random::new(seed, 1 << 40))?;
    let keys = std::env::temp_dir().join(format!("rtbroadcaster-former-keys-{}", std::process::id()));
    fs::create_dir_all(&keys).map_err(|error| Failure::new(format!("{} cannot be made: {error}", keys.display())))?;
    let shown = outcome(on_a_thread(LIMIT, {
        let keys = keys.clone();
        move || async move { play(lineage, library, sdk, &keys).await }
    }));
    // The system removes what cannot be removed now.
    let _ = fs::remove_dir_all(keys);
    shown
}

async fn play(
    mut lineage: ServerSuccession,
    library: BuildResult,
    sdk: BuildResult,
    keys: &Path,
) -> Result<FormerFindings, Failure> {
    let address = lineage.lives().address();
    let (mut pairs, mut shown, mut faults) = (Vec::new(), Vec::new(), Faults::default());
    for (name, built) in [(pair::LIBRARY, library), (pair::SDK, sdk)] {
        match built {
            BuildResult::At(clients) => pairs.push(Pair::open(name, &clients, address, keys).await?),
            BuildResult::Not(why) => shown.push((name, Former::NotRun(why))),
        }
    }
    pairs = speak(pairs, 0).await?;
    for (number, way) in ENDS.into_iter().enumerate() {
        lineage = ended(lineage, way).await?;
        pairs.iter_mut().for_each(Pair::forget_connections);
        lineage = begun(lineage).await?;
        pairs = speak(pairs, number + 1).await?;
    }
    for pair in pairs {
        faults.add(&pair.faults);
        shown.push(pair.end(ENDS.len()));
    }
    ended(lineage, ServerEnd::Killed).await?;
    Ok((shown, faults))
}

/// All of them publish the messages of one round at once.
async fn speak(pairs: Vec<Pair>, round: usize) -> Result<Vec<Pair>, Failure> {
    let mut speaking: JoinSet<_> = pairs.into_iter().map(|pair| pair.speak(round)).collect();
    let mut all = Vec::new();
    while let Some(pair) = speaking.join_next().await {
        all.push(pair.map_err(|error| Failure::new(error.to_string()))??);
    }
    Ok(all)
}

impl fmt::Display for Former {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRun(why) => write!(f, "not run: {why}"),
            Self::Ran { restarts, acked, connections: [owner, viewer], back } => write!(
                f,
                "{restarts} restarts, {acked} messages acknowledged; at most {owner} connections of the owner and {viewer} of \
                 the viewer for a restart, both whole {:.1} s after it at the latest",
                back.as_secs_f64()
            ),
        }
    }
}
