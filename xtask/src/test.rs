//! `cargo xtask test`: everything a developer can test on one machine. Must not skip anything silently.

use std::path::Path;

use crate::steps::{Failure, Steps, command, root};
use crate::{browsers, node, synced};

/// The Rust tests with and without the features, what a start syncs, a hundredth of each attack, the conversations with an independent client in Node, then the SDK
/// in Node and the pages in browsers; the heap of one is watched for the environment's `RTBROADCASTER_SECONDS`.
pub(crate) fn run(steps: &mut Steps) -> Result<(), Failure> {
    steps.run(&mut command("cargo", "test --workspace --all-features"))?;
    steps.run(&mut command("cargo", "test -p rtbroadcaster --no-default-features --lib"))?;
    synced::run(steps)?;
    steps.run(&mut command("cargo", "xtask hostile --scale 0.01"))?;
    node::ensure(steps)?;
    let conversations = root().join("protocol");
    steps.run(command("npm", INSTALL).current_dir(&conversations))?;
    steps.run(command("node", "--test").current_dir(&conversations))?;
    steps.run(command("node", "replay.mjs").current_dir(&conversations))?;
    typed_and_tested(steps, &root().join("sdk/javascript"))?;
    browsers::ensure(steps)?;
    typed_and_tested(steps, &root().join("crates/rtbroadcaster-server/page/tests"))
}

/// Installs exactly what the lock file says.
const INSTALL: &str = "ci --no-audit --no-fund";

/// One npm package: its types are checked, then its tests run.
fn typed_and_tested(steps: &mut Steps, package: &Path) -> Result<(), Failure> {
    steps.run(command("npm", INSTALL).current_dir(package))?;
    steps.run(command("npm", "run --silent check").current_dir(package))?;
    steps.run(command("node", "--test").current_dir(package))
}
