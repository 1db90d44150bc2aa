//! What one machine can check for others: the oldest compiler, and other systems. Must not know the code.

use std::process::Command;

use xtask::steps::{Failure, Steps, command};

/// The oldest compiler that the crates promise: `rust-version` of the workspace.
const OLDEST_RUST: &str = "1.90";

/// Systems on which the library is meant to compile.
const TARGETS: [&str; 6] = [
    "aarch64-apple-darwin",
    "x86_64-apple-darwin",
    "x86_64-pc-windows-gnu",
    "x86_64-pc-windows-msvc",
    "x86_64-unknown-freebsd",
    "x86_64-unknown-linux-musl",
];

/// The crates that other systems compile: the program is for Linux.
const LIBRARIES: &str =
    "-p rtbroadcaster -p rtbroadcaster-client --no-default-features --features rtbroadcaster/axum,rtbroadcaster/remote";

/// Checks with the oldest compiler, and for other systems, as far as rustup has them here. Prints what is not checked.
pub(super) fn run(steps: &mut Steps) -> Result<(), Failure> {
    let toolchains = rustup(&["toolchain", "list"]);
    let oldest = toolchains.lines().filter_map(|line| line.split_whitespace().next());
    match oldest
        .into_iter()
        .find(|name| name.starts_with(&format!("{OLDEST_RUST}.")) || name.starts_with(&format!("{OLDEST_RUST}-")))
    {
        Some(name) => {
            let target = xtask::steps::target().join("oldest");
            let arguments = format!("run {name} cargo check --workspace --all-features");
            steps.run(command("rustup", &arguments).env("CARGO_TARGET_DIR", target))?;
        }
        None => println!("Rust {OLDEST_RUST}, the oldest: not checked, since rustup has no such toolchain here"),
    }
    let installed = rustup(&["target", "list", "--installed"]);
    let is_there = |target: &str| installed.lines().any(|line| line == target);
    let (there, missing): (Vec<&str>, Vec<&str>) = TARGETS.iter().partition(|target| is_there(target));
    for target in there {
        steps.run(&mut command("cargo", &format!("check {LIBRARIES} --target {target}")))?;
    }
    if !missing.is_empty() {
        println!("Not checked, since rustup has no standard library for them here: {}", missing.join(", "));
    }
    Ok(())
}

/// Returns what rustup prints, or nothing where it does not run.
fn rustup(arguments: &[&str]) -> String {
    let told = Command::new("rustup").args(arguments).output().ok().filter(|told| told.status.success());
    told.map(|told| String::from_utf8_lossy(&told.stdout).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_compiler_is_the_one_of_the_manifest_and_the_documents() {
        let version = format!("rust-version = \"{OLDEST_RUST}\"");
        let read = |file: &str| std::fs::read_to_string(xtask::steps::root().join(file)).unwrap();
        assert!(read("Cargo.toml").contains(&version));
        for file in ["README.md", "CONTRIBUTING.md"] {
            assert!(read(file).contains(&format!("Rust {OLDEST_RUST}")), "{file}");
        }
    }
}
