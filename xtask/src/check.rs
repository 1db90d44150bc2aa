//! `cargo xtask check`: formatting, lints and documentation. Must not run the code that it checks.

mod elsewhere;
mod features;

use crate::steps::{Failure, Steps, command};
pub(crate) use features::powerset;

/// Checks formatting, lints with and without the features, and documentation; warnings are errors.
pub(crate) fn run(steps: &mut Steps) -> Result<(), Failure> {
    steps.run(&mut command("cargo", "fmt --all --check"))?;
    steps.run(&mut command("cargo", "clippy --workspace --all-targets --all-features -- -D warnings"))?;
    steps.run(&mut command("cargo", "clippy -p rtbroadcaster --no-default-features -- -D warnings"))?;
    features::each(steps)?;
    elsewhere::run(steps)?;
    steps.run(command("cargo", "doc --workspace --no-deps --all-features").env("RUSTDOCFLAGS", "-D warnings"))
}
