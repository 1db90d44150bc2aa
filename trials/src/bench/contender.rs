//! The servers that are measured, and how each is started. Must not know what is measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use crate::load::release;
use crate::node;
use crate::steps::{Steps, command, output, root};

/// A server, or the same one in another protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Contender {
    /// One bare send per viewer.
    Floor,
    /// The floor once more: the difference between both floors is the error of a ratio.
    FloorAgain,
    /// This server with classic clients.
    Classic,
    /// This server with clients of version 2.
    V2,
    Bun,
    /// The npm package.
    Ws,
    /// The usual recipe with `tokio::sync::broadcast`.
    Axum,
}

use Contender::{Axum, Bun, Classic, Floor, FloorAgain, V2, Ws};

/// All of them, in the order of a report.
pub(super) const ALL: [Contender; 7] = [Floor, FloorAgain, Classic, V2, Bun, Ws, Axum];

/// The contenders that are this project's server.
pub(super) const OURS: [Contender; 2] = [Classic, V2];

/// Returns the contenders in the order of a round: another one is the first each time, so that none is always measured
/// after the same one.
pub(super) fn in_turn(contenders: &[Contender], round: u32) -> impl Iterator<Item = Contender> {
    let first = round as usize % contenders.len().max(1);
    contenders.iter().cycle().skip(first).take(contenders.len()).copied()
}

impl Contender {
    pub(super) fn name(self) -> &'static str {
        match self {
            Floor => "floor",
            FloorAgain => "floor again",
            Classic => "classic",
            V2 => "v2",
            Bun => "bun",
            Ws => "npm ws",
            Axum => "axum",
        }
    }

    /// Returns the load generator's name for its protocol.
    pub(super) fn protocol(self) -> &'static str {
        match self {
            Classic => "classic",
            V2 => "v2",
            Floor | FloorAgain | Bun | Ws | Axum => "relay",
        }
    }
}

/// The servers that are not this project's.
#[derive(Debug)]
pub(super) struct Relays {
    /// The folder of the scripts.
    folder: PathBuf,
    /// Whether npm installed the package `ws`.
    has_ws: bool,
    /// Bun's program, if npm brought one that runs here.
    bun: Option<PathBuf>,
}

impl Relays {
    /// Installs exactly the packages of the lock file, and prints which contenders cannot be measured here.
    pub(super) fn install(steps: &mut Steps) -> Self {
        let folder = folder();
        let mut npm = command("npm", "ci --no-audit --no-fund");
        let installed = node::ensure(steps).and_then(|()| steps.run(npm.current_dir(&folder)));
        if let Err(failure) = &installed {
            println!("SKIPPED: Bun and npm ws. Their packages are not installed: {failure}");
        }
        let bun = installed.is_ok().then(|| bun(&folder)).flatten();
        if installed.is_ok() && bun.is_none() {
            println!("SKIPPED: Bun. The npm package `bun` brought no program that runs on this machine.");
        }
        Self { folder, has_ws: installed.is_ok(), bun }
    }

    /// Returns none of them.
    pub(super) fn none() -> Self {
        Self { folder: folder(), has_ws: false, bun: None }
    }

    /// Returns whether it can be started here.
    pub(super) fn has(&self, contender: Contender) -> bool {
        match contender {
            Bun => self.bun.is_some(),
            Ws => self.has_ws,
            Floor | FloorAgain | Classic | V2 | Axum => true,
        }
    }

    /// Returns the program with its arguments. It prints its address when it is ready.
    pub(super) fn command(&self, contender: Contender) -> Command {
        let script = |name: &str| self.folder.join(name);
        let (program, arguments) = match contender {
            Floor | FloorAgain => (release("relay-floor"), Vec::new()),
            Axum => (release("relay-axum"), Vec::new()),
            Ws => ("node".into(), vec![script("ws.mjs")]),
            Bun => (self.bun.clone().unwrap_or_else(|| "bun".into()), vec![script("bun.mjs")]),
            Classic | V2 => (release("rtbroadcaster"), ours().map(PathBuf::from).to_vec()),
        };
        let mut command = Command::new(program);
        command.args(arguments);
        command
    }
}

/// Returns the folder of the relays' scripts.
fn folder() -> PathBuf {
    root().join("benches/relays")
}

/// Returns the flags of this server: all viewers and owners come from one address, and there may be many. Everything
/// else is as delivered.
fn ours() -> [&'static str; 14] {
    [
        "--listen",
        "127.0.0.1:0",
        "--connections-max",
        "none",
        "--connections-per-address-max",
        "none",
        "--handshakes-per-address-per-second",
        "none",
        "--rooms-per-address-max",
        "none",
        "--viewers-per-room-max",
        "none",
        "--log",
        "warn",
    ]
}

/// Returns Bun's program. npm links it where its package may run a script when it is installed; otherwise it is in
/// another package.
fn bun(folder: &Path) -> Option<PathBuf> {
    let modules = folder.join("node_modules");
    let mut programs = vec![modules.join(".bin/bun")];
    if let Ok(packages) = modules.join("@oven").read_dir() {
        programs.extend(packages.flatten().map(|package| package.path().join("bin/bun")));
    }
    programs.into_iter().find(|program| output(&program.to_string_lossy(), "--version").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_begins_with_another_one_and_has_all() {
        let order = |round| in_turn(&[Floor, Classic, V2], round).collect::<Vec<_>>();
        assert_eq!(order(0), [Floor, Classic, V2]);
        assert_eq!(order(1), [Classic, V2, Floor]);
        assert_eq!(order(5), [V2, Floor, Classic]);
        assert_eq!(in_turn(&[], 3).count(), 0);
    }
}
