//! The echo server under test: built into the library's unit tests, run as a process of its own. Must not know the test
//! suite.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use serde::Deserialize;

use crate::steps::{Failure, Steps, command};

/// The test that serves until its stdin ends.
const TEST: &str = "upgrade::echo::an_echo_serves_both_paths_until_its_stdin_ends";

/// The echo's paths, as it names them.
pub(super) const PATHS: [&str; 2] = ["Direct", "Generic"];

/// A running echo. Dropping it ends it.
pub(super) struct Echo {
    child: Child,
    /// The address of each path.
    urls: Vec<String>,
}

/// A line of cargo's JSON output about a program that it built.
#[derive(Deserialize)]
struct Built {
    executable: Option<PathBuf>,
}

impl Echo {
    /// Builds the echo server, and starts it on free ports.
    pub(super) fn start(steps: &mut Steps) -> Result<Self, Failure> {
        let build = "test --package rtbroadcaster --lib --no-run --message-format json";
        let told = steps.read(&mut command("cargo", build))?;
        let mut built = told.lines().filter_map(|line| serde_json::from_str::<Built>(line).ok());
        let program = built.find_map(|built| built.executable);
        let program = program.ok_or_else(|| Failure::new("cargo does not report the path of the library's tests"))?;
        let mut echo = Command::new(program);
        echo.args(["--ignored", "--exact", TEST, "--nocapture"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = echo.spawn().map_err(|error| Failure::new(format!("the echo does not start: {error}")))?;
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let urls = PATHS.map(|path| lines.find_map(|line| line.strip_prefix(path).map(|url| url.trim().to_owned())));
        // The pipe is read to its end: a test program that cannot print that it takes long ends.
        thread::spawn(move || lines.for_each(drop));
        // Constructed at once, so that its `Drop` ends the process also after a failure.
        let echo = Self { child, urls: urls.into_iter().flatten().collect() };
        if echo.urls.len() == PATHS.len() { Ok(echo) } else { Err(Failure::new("the echo announced no addresses")) }
    }

    /// Returns the paths with their addresses.
    pub(super) fn paths(&self) -> impl Iterator<Item = (&'static str, &str)> {
        PATHS.into_iter().zip(self.urls.iter().map(String::as_str))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // Ends its stdin; the process may have ended already.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
