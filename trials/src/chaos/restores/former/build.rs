//! Takes clients out of the git history and builds them, once. Must not know what they do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::steps::{Failure, Steps, command, output};

/// The last commit whose clients do not know lives.
pub(super) const COMMIT: &str = "9645d65";

/// The oldest Node.js that runs them.
const NODE_MAJOR_MIN: u32 = 20;

/// The oldest one that has a WebSocket without a flag.
const NODE_MAJOR_WEBSOCKET: u32 = 22;

/// The result of a build, or why there is none.
#[derive(Debug)]
pub(super) enum BuildResult {
    At(FormerClients),
    Not(String),
}

/// The way to start the clients.
#[derive(Debug)]
pub(super) enum FormerClients {
    /// The server's program, with its commands `publish` and `watch`.
    Program(PathBuf),
    /// The folder of the SDK, and the flags that Node.js needs to run it.
    Sdk { folder: PathBuf, flags: &'static [&'static str] },
}

/// Builds the program in `folder`.
pub(super) fn library(folder: &Path, steps: &mut Steps) -> Result<BuildResult, Failure> {
    if !is_in_this_clone() {
        return Ok(BuildResult::Not("the commit is not in this clone".into()));
    }
    let source = unpack(folder, steps)?;
    let target = folder.join("target");
    let program = target.join("release/rtbroadcaster");
    if !program.exists() {
        let mut build = command("cargo", "build --release --bin rtbroadcaster");
        steps.run(build.current_dir(source).env("CARGO_TARGET_DIR", target))?;
    }
    Ok(BuildResult::At(FormerClients::Program(program)))
}

/// Builds the SDK in `folder`.
pub(super) fn sdk(folder: &Path, steps: &mut Steps) -> Result<BuildResult, Failure> {
    if !is_in_this_clone() {
        return Ok(BuildResult::Not("the commit is not in this clone".into()));
    }
    let Some(major) = output("node", "--version").and_then(|version| major(&version)) else {
        return Ok(BuildResult::Not("there is no Node.js".into()));
    };
    if major < NODE_MAJOR_MIN {
        return Ok(BuildResult::Not(format!("Node.js is older than {NODE_MAJOR_MIN}")));
    }
    let flags: &[_] = if major < NODE_MAJOR_WEBSOCKET { &["--experimental-websocket"] } else { &[] };
    let folder = unpack(folder, steps)?.join("sdk/javascript");
    Ok(BuildResult::At(FormerClients::Sdk { folder, flags }))
}

fn is_in_this_clone() -> bool {
    let mut look = command("git", &format!("cat-file -e {COMMIT}^{{commit}}"));
    look.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Unpacks the sources of that commit.
fn unpack(folder: &Path, steps: &mut Steps) -> Result<PathBuf, Failure> {
    let (source, archive) = (folder.join("source"), folder.join("source.tar"));
    if archive.exists() {
        return Ok(source);
    }
    fs::create_dir_all(&source)
        .map_err(|error| Failure::new(format!("{} cannot be made: {error}", source.display())))?;
    // It gets its name when all of it is unpacked.
    let part = folder.join("source.part");
    steps.run(command("git", &format!("archive --format=tar {COMMIT} --output")).arg(&part))?;
    steps.run(Command::new("tar").arg("-xf").arg(&part).arg("-C").arg(&source))?;
    fs::rename(&part, &archive).map_err(|error| Failure::new(format!("{}: {error}", part.display())))?;
    Ok(source)
}

/// Returns the major version, such as 20 of `v20.11.1`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}
