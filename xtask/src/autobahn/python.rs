//! Finds a CPython 2.7, or has pyenv build one. Must not know what it is needed for.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{Failure, Steps};

/// The last release of CPython 2.7.
const VERSION: &str = "2.7.18";

/// The Python program that prints the implementation and version; it fails without pip.
const QUESTION: &str = "import pip, platform; print(platform.python_implementation() + platform.python_version())";

/// Returns a program that is CPython 2.7 with pip: the one that `PYTHON2` names, the one on the path, or that of pyenv,
/// which builds it if it is missing.
pub(super) fn find(steps: &mut Steps) -> Result<PathBuf, Failure> {
    if let Some(named) = env::var_os("PYTHON2") {
        let wrong = Failure::new(format!("PYTHON2 is {}, which is no CPython 2.7 with pip", named.display()));
        return if is_fit(&named) { Ok(named.into()) } else { Err(wrong) };
    }
    if is_fit("python2.7".as_ref()) {
        return Ok("python2.7".into());
    }
    let Some(pyenv) = pyenv() else {
        return Err(Failure::new(
            "the suite runs on CPython 2.7 only: set PYTHON2 to one that has pip, or install pyenv \
             (https://github.com/pyenv/pyenv), which builds one",
        ));
    };
    if let Some(python) = of_pyenv(&pyenv) {
        return Ok(python);
    }
    steps.run(Command::new(&pyenv).args(["install", "--skip-existing", VERSION]))?;
    of_pyenv(&pyenv).ok_or_else(|| Failure::new(format!("pyenv's CPython {VERSION} does not run, or has no pip")))
}

/// Returns the pyenv on the path, or the one where its installer puts it: most shells do not have that folder on their
/// path.
fn pyenv() -> Option<PathBuf> {
    let folders = [env::var_os("PYENV_ROOT").map(PathBuf::from), env::home_dir().map(|home| home.join(".pyenv"))];
    let installed = folders.into_iter().flatten().map(|folder| folder.join("bin/pyenv"));
    let mut places = std::iter::once(PathBuf::from("pyenv")).chain(installed);
    places.find(|place| Command::new(place).arg("--version").output().is_ok_and(|told| told.status.success()))
}

fn of_pyenv(pyenv: &Path) -> Option<PathBuf> {
    let told = Command::new(pyenv).args(["prefix", VERSION]).output().ok()?;
    let folder = PathBuf::from(String::from_utf8_lossy(&told.stdout).trim());
    Some(folder.join("bin/python2.7")).filter(|python| is_fit(python.as_os_str()))
}

fn is_fit(program: &OsStr) -> bool {
    let told = Command::new(program).args(["-c", QUESTION]).output();
    told.is_ok_and(|told| told.stdout.starts_with(b"CPython2.7."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_python_is_not_taken_for_one() {
        assert!(!is_fit("no-such-program".as_ref()));
        assert!(!is_fit("cargo".as_ref()));
    }
}
