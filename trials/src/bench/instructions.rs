//! `cargo xtask bench --instructions`: counts the instructions and allocations of each part, against the committed
//! baseline. Unlike times they do not depend on the machine's other load. Must not know what a part does.

mod baseline;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::Baseline as Wish;
use crate::load::target;
use crate::report::Report;
use crate::steps::{Failure, Steps, command, output, root};
use crate::valgrind;
use baseline::{Baseline, Difference, PartName};

/// The path of the baseline, from the root.
const BASELINE: &str = "benches/parts/instructions.json";

/// The bench that can do one part a fixed number of times in a function called `counted_work`.
const BENCH: &str = "parts";

/// The functions of the C library that allocate memory.
const ALLOCATING: [&str; 6] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"];

/// Counts every part, and compares the counts with the baseline or makes them the new one.
pub(super) fn run(wish: Wish, steps: &mut Steps) -> Result<Report, Failure> {
    valgrind::ensure(steps)?;
    let (folder, out) = (target().join("callgrind"), target().join("callgrind/out"));
    fs::create_dir_all(&folder).map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
    let mut now = Baseline { tools: tools()?, instructions: Default::default(), allocations: Default::default() };
    let program = build(steps)?;
    for Listed { name, times, asks_for_memory } in parts(&program)? {
        let CallgrindCounts { instructions, allocations } = count(&program, &name, times, &out)?;
        now.instructions.insert(name.clone(), instructions.div_ceil(times));
        if asks_for_memory {
            // Callgrind counts calls from the start of the program on, so the preparation of the part is counted by
            // itself. The growth of a buffer now and then is less than one allocation each time.
            let before = count(&program, &name, 1, &out)?.allocations;
            now.allocations.insert(name, allocations.saturating_sub(before) / (times - 1));
        }
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

/// Returns the tools on which the counts depend besides the code.
fn tools() -> Result<String, Failure> {
    let rustc = output("rustc", "--version").ok_or_else(|| Failure::new("`rustc --version` fails"))?;
    Ok(format!("{}, {}, {}", rustc.trim(), valgrind::version()?, std::env::consts::ARCH))
}

/// A line of cargo's JSON output about a program that it built.
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
    let arguments = format!("bench --package rtbroadcaster-parts --bench {BENCH} --no-run --message-format json");
    let told = steps.read(&mut command("cargo", &arguments))?;
    let built = told.lines().filter_map(|line| serde_json::from_str::<Built>(line).ok());
    let mut programs = built.filter(|built| built.target.as_ref().is_some_and(|target| target.name == BENCH));
    let program = programs.find_map(|built| built.executable);
    program.ok_or_else(|| Failure::new(format!("cargo does not tell where the bench `{BENCH}` is")))
}

/// A part, as the bench lists it.
struct Listed {
    name: String,
    /// The number of repetitions for a count.
    times: u64,
    /// Whether its allocations are counted too.
    asks_for_memory: bool,
}

/// Returns all parts.
fn parts(program: &Path) -> Result<Vec<Listed>, Failure> {
    let listed = output(&program.to_string_lossy(), "--list-parts").unwrap_or_default();
    let parts = listed.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (name, times) = (words.next()?.to_owned(), words.next()?.parse().ok().filter(|times| *times > 1)?);
        Some(Listed { name, times, asks_for_memory: words.next() == Some("allocations") })
    });
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() { Err(Failure::new("the bench lists no parts")) } else { Ok(parts) }
}

/// The counts of one part, over all repetitions.
#[derive(Debug, PartialEq, Eq)]
struct CallgrindCounts {
    instructions: u64,
    allocations: u64,
}

/// Counts the instructions of `counted_work` and of everything that it calls.
fn count(program: &Path, name: &PartName, times: u64, out: &Path) -> Result<CallgrindCounts, Failure> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--toggle-collect=*counted_work*"]);
    valgrind.arg(format!("--callgrind-out-file={}", out.display())).arg(program).args([
        "--count",
        name,
        &times.to_string(),
    ]);
    let outcome = valgrind.output().map_err(|error| Failure::new(format!("`valgrind` does not start: {error}")))?;
    let told = fs::read_to_string(out).ok().filter(|_| outcome.status.success());
    told.as_deref().and_then(counts).ok_or_else(|| {
        let said = String::from_utf8_lossy(&outcome.stderr);
        Failure::new(format!("{name} cannot be counted: {}", said.lines().last().unwrap_or_default()))
    })
}

/// Reads callgrind's profile; a profile without an instruction is no count.
fn counts(profile: &str) -> Option<CallgrindCounts> {
    let line = profile.lines().find_map(|line| line.strip_prefix("totals:"))?;
    let instructions = line.trim().parse().ok().filter(|total| *total > 0)?;
    Some(CallgrindCounts { instructions, allocations: allocations(profile) })
}

/// Returns the number of allocations. A profile gives each function a number with its name when it first names it, and
/// only the number from then on.
fn allocations(profile: &str) -> u64 {
    let (mut numbers, mut is_one, mut sum) = (BTreeSet::new(), false, 0);
    for line in profile.lines() {
        if let Some(called) = line.strip_prefix("cfn=") {
            let (number, name) = called.split_once(' ').unwrap_or((called, ""));
            if ALLOCATING.contains(&name) {
                numbers.insert(number);
            }
            is_one = numbers.contains(number);
        } else if let Some(function) = line.strip_prefix("fn=") {
            let named = function.split_once(' ').filter(|(_, name)| ALLOCATING.contains(name));
            numbers.extend(named.map(|(number, _)| number));
        } else if let Some(calls) = line.strip_prefix("calls=").filter(|_| is_one) {
            sum += calls.split(' ').next().and_then(|count| count.parse::<u64>().ok()).unwrap_or_default();
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_a_profile_is_found() {
        let profile = "# callgrind format\nevents: Ir\nsummary: 9\n\nfn=(1)\n0 5\ntotals: 701511\n";
        assert_eq!(counts(profile), Some(CallgrindCounts { instructions: 701_511, allocations: 0 }));
        assert_eq!(counts("events: Ir\ntotals: 0\n"), None);
        assert_eq!(counts(""), None);
    }

    #[test]
    fn every_call_that_asks_for_memory_counts() {
        let profile = "fn=(1) work\ncfn=(2) malloc\ncalls=500 0\n0 9\ncfn=(3) free\ncalls=7 0\n\nfn=(4) grow\n\
            cfn=(5) realloc\ncalls=20 0\ncfn=(2)\ncalls=3 +4\nfn=(6) calloc\nfn=(1)\ncfn=(6)\ncalls=1 0\n";
        assert_eq!(allocations(profile), 524);
    }
}
