//! Makes sure that Valgrind is installed. Must not know its use.

use crate::apt;
use crate::steps::{Failure, Steps, output};

/// Fails unless `valgrind` can be run. On Debian and Ubuntu root gets a missing one by apt-get.
pub(crate) fn ensure(steps: &mut Steps) -> Result<(), Failure> {
    let Err(missing) = version() else { return Ok(()) };
    apt::install(steps, "valgrind", apt::Systems::Relatives, missing)?;
    version().map(|_| ())
}

/// Returns its name and version in one word.
pub(crate) fn version() -> Result<String, Failure> {
    let version = output("valgrind", "--version");
    let missing = "`valgrind` cannot be run: install it (Debian: apt-get install valgrind)";
    version.map(|version| version.trim().into()).ok_or_else(|| Failure::new(missing))
}
