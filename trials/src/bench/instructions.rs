//! `cargo xtask bench --instructions`: how many instructions each pure part takes, against the committed baseline. Unlike
//! times they do not depend on what else the machine does. Must not know what a part does.

mod baseline;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::Baseline as Wish;
use crate::load::target;
use crate::report::Report;
use crate::steps::{Failure, Steps, command, output, root};
use crate::valgrind;
use baseline::{Baseline, Difference, Part};

/// Where the baseline is, from the root.
const BASELINE: &str = "crates/rtbroadcaster-core/benches/instructions.json";

/// The bench that can do one part a fixed number of times in a function called `counted_work`.
const BENCH: &str = "pure";

/// Counts every part, and compares the counts with the baseline or makes them the new one.
pub(super) fn run(wish: Wish, steps: &mut Steps) -> Result<Report, Failure> {
    valgrind::ensure(steps)?;
    let program = build(steps)?;
    let (folder, out) = (target().join("callgrind"), target().join("callgrind/out"));
    fs::create_dir_all(&folder).map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
    let mut now = Baseline { tools: tools()?, instructions: Default::default() };
    for (name, times) in parts(&program)? {
        let total = count(&program, &name, &out)?;
        now.instructions.insert(name, total.div_ceil(times));
    }
    steps.pass();
    let path = root().join(BASELINE);
    if wish == Wish::Accept {
        now.write(&path)?;
        let told =
            format!("{now}\nThis is the baseline from now on: {BASELINE}. Commit it on its own, with the reason.");
        return Ok(Report::good(told));
    }
    let then = Baseline::read(&path)?;
    Ok(Difference::between(&then, &now).into())
}

/// What the counts depend on besides the code.
fn tools() -> Result<String, Failure> {
    let rustc = output("rustc", "--version").ok_or_else(|| Failure::new("`rustc --version` fails"))?;
    Ok(format!("{}, {}, {}", rustc.trim(), valgrind::version()?, std::env::consts::ARCH))
}

/// What cargo tells of a program that it built.
#[derive(Deserialize)]
struct Built {
    executable: Option<PathBuf>,
    target: Option<BuiltTarget>,
}

#[derive(Deserialize)]
struct BuiltTarget {
    name: String,
}

fn build(steps: &mut Steps) -> Result<PathBuf, Failure> {
    let arguments = format!("bench --package rtbroadcaster-core --bench {BENCH} --no-run --message-format json");
    let told = steps.read(&mut command("cargo", &arguments))?;
    let built = told.lines().filter_map(|line| serde_json::from_str::<Built>(line).ok());
    let mut programs = built.filter(|built| built.target.as_ref().is_some_and(|target| target.name == BENCH));
    let program = programs.find_map(|built| built.executable);
    program.ok_or_else(|| Failure::new(format!("cargo does not tell where the bench `{BENCH}` is")))
}

/// The names of all parts, and how often each is done for a count.
fn parts(program: &Path) -> Result<Vec<(String, u64)>, Failure> {
    let listed = output(&program.to_string_lossy(), "--list-parts").unwrap_or_default();
    let parts = listed.lines().filter_map(|line| {
        let (name, times) = line.split_once(' ')?;
        Some((name.to_owned(), times.parse().ok().filter(|times| *times > 0)?))
    });
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() { Err(Failure::new("the bench lists no parts")) } else { Ok(parts) }
}

/// The instructions in `counted_work`, and in all that it calls.
fn count(program: &Path, name: &Part, out: &Path) -> Result<u64, Failure> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--toggle-collect=*counted_work*"]);
    valgrind.arg(format!("--callgrind-out-file={}", out.display())).arg(program).args(["--count", name]);
    let outcome = valgrind.output().map_err(|error| Failure::new(format!("`valgrind` does not start: {error}")))?;
    let told = fs::read_to_string(out).ok().filter(|_| outcome.status.success());
    told.as_deref().and_then(total).ok_or_else(|| {
        let said = String::from_utf8_lossy(&outcome.stderr);
        Failure::new(format!("{name} cannot be counted: {}", said.lines().last().unwrap_or_default()))
    })
}

/// The sum in callgrind's profile; nothing counted is no sum.
fn total(profile: &str) -> Option<u64> {
    let line = profile.lines().find_map(|line| line.strip_prefix("totals:"))?;
    line.trim().parse().ok().filter(|total| *total > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_a_profile_is_found() {
        assert_eq!(total("# callgrind format\nevents: Ir\nsummary: 9\n\nfn=(1)\n0 5\ntotals: 701511\n"), Some(701_511));
        assert_eq!(total("events: Ir\ntotals: 0\n"), None);
        assert_eq!(total(""), None);
    }
}
