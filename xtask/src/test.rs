//! `cargo xtask test`: everything a developer can test on one machine. Must not skip anything silently.

use crate::node;
use crate::steps::{Failure, Steps, command, root};

/// The Rust tests with and without the features, then the conversations with an independent client in Node.
pub(crate) fn run(steps: &mut Steps) -> Result<(), Failure> {
    steps.run(&mut command("cargo", "test --workspace --all-features"))?;
    steps.run(&mut command("cargo", "test -p rtbroadcaster --no-default-features --lib"))?;
    node::ensure(steps)?;
    let conversations = root().join("protocol");
    steps.run(command("npm", "ci --no-audit --no-fund").current_dir(&conversations))?;
    steps.run(command("node", "--test").current_dir(&conversations))?;
    steps.run(command("node", "replay.mjs").current_dir(&conversations))
}
