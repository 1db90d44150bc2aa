//! The Autobahn test suite: installs it into a folder of its own, and runs its fuzzing client. Must not know what it
//! tests.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::json;

use super::python;
use super::results::{CaseNumber, Results};
use crate::steps::{Failure, Steps, target};

const PACKAGE: &str = "autobahntestsuite";

/// The version of every package.
const CONSTRAINTS: &str = include_str!("constraints.txt");

/// A server under test.
pub(super) struct Testee<'a> {
    pub(super) name: &'a str,
    pub(super) url: &'a str,
}

/// The suite, ready to run.
pub(super) struct Suite {
    python: PathBuf,
    /// The folder of its packages and its reports.
    folder: PathBuf,
}

impl Suite {
    /// Installs the suite, unless it is installed.
    pub(super) fn install(steps: &mut Steps) -> Result<Self, Failure> {
        let suite = Self { python: python::find(steps)?, folder: target().join("autobahn") };
        let (packages, installed) = (suite.packages(), suite.folder.join("installed.txt"));
        // Packages that were built for another Python do not run.
        let wanted = format!("{}\n{CONSTRAINTS}", suite.python.display());
        if fs::read_to_string(&installed).is_ok_and(|before| before == wanted) {
            return Ok(suite);
        }
        if packages.exists() {
            fs::remove_dir_all(&packages).map_err(|error| failed(&packages, &error))?;
        }
        let constraints = suite.write("constraints.txt", CONSTRAINTS)?;
        let mut pip = suite.python();
        // An environment variable, so that it also holds for the packages that pip needs to build a package.
        pip.env("PIP_CONSTRAINT", constraints).args(["-m", "pip", "--disable-pip-version-check", "install"]);
        steps.run(pip.args(["--quiet", "--user", "--ignore-installed", "--no-warn-script-location", PACKAGE]))?;
        suite.write("installed.txt", &wanted)?;
        Ok(suite)
    }

    /// Runs the suite's fuzzing client on each testee. `cases` are names of cases or their beginnings with a `*`.
    pub(super) fn run(&self, testees: &[Testee<'_>], cases: &[String], steps: &mut Steps) -> Result<Results, Failure> {
        let reports = self.folder.join("reports");
        if reports.exists() {
            fs::remove_dir_all(&reports).map_err(|error| failed(&reports, &error))?;
        }
        let servers: Vec<_> = testees.iter().map(|one| json!({ "agent": one.name, "url": one.url })).collect();
        let spec = json!({ "outdir": reports, "servers": servers, "cases": cases, "exclude-cases": [] });
        let spec = self.write("spec.json", &spec.to_string())?;
        let mut client = self.python();
        // Unbuffered, so that its progress shows at once.
        client.args(["-u", "-m", "autobahntestsuite.wstest", "-m", "fuzzingclient", "-s"]).arg(spec);
        let told = client.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut client = told.map_err(|error| Failure::new(format!("the suite does not start: {error}")))?;
        let stdout = client.stdout.take().expect("it is piped");
        let mut last = String::new();
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let Some((case, testee)) = progress(&line) else { continue };
            let now = format!("  {testee}: {}", case.section());
            if now != last {
                println!("{now}");
                last = now;
            }
        }
        let status = client.wait().map_err(|error| Failure::new(format!("the suite is lost: {error}")))?;
        if !status.success() {
            return Err(Failure::new(format!("the suite failed: {status}")));
        }
        steps.pass();
        println!("What was sent and came in each case: {}", reports.join("index.html").display());
        let index = reports.join("index.json");
        Results::parse(&fs::read_to_string(&index).map_err(|error| failed(&index, &error))?)
    }

    /// Returns a Python command that finds its packages only in a folder of this project.
    fn python(&self) -> Command {
        let mut python = Command::new(&self.python);
        python.env("PYTHONUSERBASE", self.packages()).current_dir(&self.folder);
        for name in ["PYTHONPATH", "PYTHONHOME", "PYTHONNOUSERSITE"] {
            python.env_remove(name);
        }
        python
    }

    fn packages(&self) -> PathBuf {
        self.folder.join("packages")
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.folder.join(name);
        let written = fs::create_dir_all(&self.folder).and_then(|()| fs::write(&path, text));
        written.map(|()| path.clone()).map_err(|error| failed(&path, &error))
    }
}

fn failed(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}

/// Returns the case that begins, and its testee, if `line` says so.
fn progress(line: &str) -> Option<(CaseNumber, &str)> {
    let (case, rest) = line.strip_prefix("Running test case ID ")?.split_once(" for agent ")?;
    Some((case.parse().ok()?, rest.split(' ').next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_case_that_begins_is_read_from_what_the_suite_prints() {
        let line = "Running test case ID 9.1.1 for agent direct from peer tcp4:127.0.0.1:4711";
        assert_eq!(progress(line), Some(("9.1.1".parse().unwrap(), "direct")));
        assert_eq!(progress("Ok, will run 301 test cases against 2 servers"), None);
    }

    #[test]
    fn every_package_has_one_version() {
        let lines = CONSTRAINTS.lines().filter(|line| !line.starts_with('#'));
        let names: Vec<_> = lines.map(|line| line.split_once("==").map(|(name, _)| name.to_lowercase())).collect();
        assert!(names.iter().all(Option::is_some) && names.contains(&Some(PACKAGE.into())));
        let once: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(once.len(), names.len());
    }
}
