//! The library with its features in combination. Must not know what a feature brings.

use std::path::PathBuf;

use xtask::steps::{Failure, Steps, command, output, target};

/// The version whose options are known here.
const VERSION: &str = "0.6.45";

/// Each of them alone is checked by `cargo xtask check`.
const FEATURES: [&str; 6] = ["axum", "disk", "nats", "remote", "remote-tls", "tls"];

/// Checks the library with each feature alone.
pub(super) fn each(steps: &mut Steps) -> Result<(), Failure> {
    FEATURES.iter().try_for_each(|feature| {
        steps.run(&mut command("cargo", &format!("check -p rtbroadcaster --no-default-features --features {feature}")))
    })
}

/// Checks the library with all combinations of its features.
pub(crate) fn powerset(steps: &mut Steps) -> Result<(), Failure> {
    let program = ensure(steps)?;
    let mut hack = command(&program.to_string_lossy(), "hack check -p rtbroadcaster --feature-powerset");
    steps.run(&mut hack)
}

/// Returns the path of cargo-hack. A missing one is built into the target folder, and nowhere else.
fn ensure(steps: &mut Steps) -> Result<PathBuf, Failure> {
    let root = target().join("tools");
    let program = root.join("bin/cargo-hack");
    let is_there = || output(&program.to_string_lossy(), "hack --version").is_some_and(|told| told.contains(VERSION));
    if !is_there() {
        println!("Installing cargo-hack {VERSION} into {}, because it is not there.", root.display());
        let mut install = command("cargo", &format!("install cargo-hack --version ={VERSION} --locked --root"));
        steps.run(install.arg(&root))?;
    }
    if is_there() { Ok(program) } else { Err(Failure::new(format!("{} does not run", program.display()))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_features_of_the_manifest_are_checked() {
        let manifest = xtask::steps::root().join("crates/rtbroadcaster/Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).unwrap();
        let (_, features) = manifest.split_once("[features]").unwrap();
        let (features, _) = features.split_once("\n[").unwrap();
        let names = features
            .lines()
            .filter_map(|line| Some(line.split_once(" = ")?.0))
            .filter(|name| *name != "default" && !name.starts_with('#'));
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        assert_eq!(names, FEATURES);
    }
}
