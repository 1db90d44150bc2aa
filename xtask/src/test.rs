//! `cargo xtask test`: everything a developer can test on one machine. Must not skip anything silently.

use std::path::Path;

use crate::steps::{Failure, Steps, command, root};
use crate::{browsers, nats, node, trials};

/// Runs everything that can be tested on one machine:
/// - the Rust tests with and without the features, on real NATS servers, what a start syncs, and a hundredth of each attack;
/// - clients whose connections fail;
/// - the conversations with an independent client in Node, then the SDK in Node;
/// - the pages and examples in browsers; one page's heap is watched for the environment's `RTBROADCASTER_SECONDS`.
pub(crate) fn run(steps: &mut Steps) -> Result<(), Failure> {
    steps.run(&mut command("cargo", "test --workspace --all-features"))?;
    steps.run(&mut command("cargo", "test -p rtbroadcaster --no-default-features --lib"))?;
    nats::run(&nats::Nats::default(), steps)?;
    trials::step("synced", steps)?;
    steps.run(&mut command("cargo", "xtask hostile --scale 0.01"))?;
    node::ensure(steps)?;
    // A part of the client scenarios: repeated disconnects, dark paths, and many votes.
    steps.run(&mut command("cargo", &format!("xtask chaos --brief {BLINKS} {DARK} {REVOTES}")))?;
    let conversations = root().join("protocol");
    steps.run(command("npm", INSTALL).current_dir(&conversations))?;
    steps.run(command("node", "--test").current_dir(&conversations))?;
    steps.run(command("node", "replay.mjs").current_dir(&conversations))?;
    let sdk = root().join("sdk/javascript");
    // Bun and Deno, without which the SDK's tests skip theirs.
    steps.run(command("npm", INSTALL).current_dir(sdk.join("tests/runtimes")))?;
    typed_and_tested(steps, &sdk)?;
    browsers::ensure(steps)?;
    typed_and_tested(steps, &root().join("crates/rtbroadcaster-server/page/tests"))?;
    // Each example installs the package as in a copy of it.
    let examples = sdk.join("examples/tests");
    steps.run(command("npm", INSTALL).current_dir(&examples))?;
    steps.run(command("npm", TEST).current_dir(&examples))
}

/// The scenarios of clients at a size that takes a minute in all.
const BLINKS: &str = "--only blinks --blink-viewers 60 --blink-messages 15";
const DARK: &str = "--only dark --dark-runs 1 --dark-ping-seconds 5";
const REVOTES: &str = "--only revotes --revoters 50 --revote-rounds 5";

/// Installs exactly what the lock file says.
const INSTALL: &str = "ci --no-audit --no-fund";

/// Runs the tests that a package names as its own.
const TEST: &str = "test --silent";

/// Checks the types of one npm package, then runs its tests.
fn typed_and_tested(steps: &mut Steps, package: &Path) -> Result<(), Failure> {
    steps.run(command("npm", INSTALL).current_dir(package))?;
    steps.run(command("npm", "run --silent check").current_dir(package))?;
    steps.run(command("npm", TEST).current_dir(package))
}
