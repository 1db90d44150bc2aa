//! Makes sure that cargo-fuzz and a C++ compiler are installed. Must not know the targets.

use std::path::PathBuf;

use crate::apt;
use crate::steps::{Failure, Steps, command, output, target};

/// The version whose options and output are known here.
const VERSION: &str = "0.13.2";

/// Returns the path of cargo-fuzz. A missing one is built into the target folder, and nowhere else.
pub(super) fn ensure(steps: &mut Steps) -> Result<PathBuf, Failure> {
    compiler(steps)?;
    let root = target().join("tools");
    let program = root.join("bin/cargo-fuzz");
    let is_there = || output(&program.to_string_lossy(), "--version").is_some_and(|told| told.contains(VERSION));
    if !is_there() {
        println!("Installing cargo-fuzz {VERSION} into {}, because it is not there.", root.display());
        let mut install = command("cargo", &format!("install cargo-fuzz --version ={VERSION} --locked --root"));
        steps.run(install.arg(&root))?;
    }
    if is_there() { Ok(program) } else { Err(Failure::new(format!("{} does not run", program.display()))) }
}

/// Makes sure of a C++ compiler: libFuzzer is C++, and is compiled with the targets. On Debian and Ubuntu, root gets a
/// missing one by apt-get.
fn compiler(steps: &mut Steps) -> Result<(), Failure> {
    let look = || {
        let missing = "`c++` cannot be run: install a C++ compiler (Debian: apt-get install g++)";
        output("c++", "--version").map(|_| ()).ok_or_else(|| Failure::new(missing))
    };
    let Err(missing) = look() else { return Ok(()) };
    apt::install(steps, "g++", apt::Systems::Relatives, missing)?;
    look()
}
