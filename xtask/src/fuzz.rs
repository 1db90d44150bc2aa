//! `cargo xtask fuzz`: runs the fuzz targets and prints their findings. Must not know what a target checks.

mod corpus;
mod report;
mod tools;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use clap::Args;

use crate::steps::{Failure, Steps, command, root, target};
use report::{Report, Run};

/// The longest input of each target for which libFuzzer's 4 096 bytes are more than it needs.
const BYTES_MAX: [(&str, u32); 4] = [("backlog", 1_024), ("cursor", 512), ("decoder", 1_024), ("room", 768)];

/// Inputs that take longer, or more memory, are findings too.
const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=64"];

/// The number of lines shown of a failed run.
const LINES_SHOWN: usize = 40;

/// Each target runs for the whole time on one core, from its corpus in fuzz/corpus and what earlier runs found here
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// How long each target runs
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Run these targets only (they are in fuzz/fuzz_targets)
    #[arg(long, value_name = "TARGET")]
    target: Vec<String>,
    /// How many targets run at a time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    jobs: u8,
    /// Run this input of one target once, and show how it ends
    #[arg(long, value_name = "FILE", requires = "target", conflicts_with_all = ["jobs", "seconds"])]
    input: Option<PathBuf>,
    /// Run nothing: fold the inputs found here into fuzz/corpus, and keep the fewest that reach as much
    #[arg(long, conflicts_with_all = ["input", "jobs", "seconds"])]
    merge: bool,
}

/// Builds the targets, runs them, and prints a table. Fails after all have run if one of them found something.
pub(crate) fn run(options: &Fuzz, steps: &mut Steps) -> Result<(), Failure> {
    let targets = chosen(&options.target)?;
    let program = tools::ensure(steps)?;
    steps.run(&mut cargo_fuzz(&program, "build", &[]))?;
    if let Some(input) = &options.input {
        let input =
            std::path::absolute(input).map_err(|error| Failure::new(format!("{}: {error}", input.display())))?;
        return targets
            .iter()
            .try_for_each(|name| steps.run(&mut cargo_fuzz(&program, "run", &[name, &input.to_string_lossy()])));
    }
    if options.merge {
        return targets.iter().try_for_each(|name| corpus::merge(&program, name, steps));
    }
    let report = run_all(&program, &targets, options)?;
    (0..report.passed()).for_each(|_| steps.pass());
    println!("\n{report}");
    report.verdict()
}

/// Runs all targets, `options.jobs` at a time.
fn run_all(program: &Path, targets: &[String], options: &Fuzz) -> Result<Report, Failure> {
    let left = Mutex::new(targets.iter());
    let next = || left.lock().expect("no worker panics").next();
    let work = || -> Result<Vec<(String, Run)>, Failure> {
        let mut runs = Vec::new();
        while let Some(name) = next() {
            println!("fuzzing {name} for {} s", options.seconds);
            runs.push((name.clone(), fuzz(program, name, options.seconds)?));
        }
        Ok(runs)
    };
    let mut report = Report::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..options.jobs).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            report.add(worker.join().expect("no worker panics")?);
        }
        Ok(report)
    })
}

/// Returns the wanted targets, by default all.
fn chosen(wanted: &[String]) -> Result<Vec<String>, Failure> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".rs")?.to_owned())).collect();
    names.sort_unstable();
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
        return Err(Failure::new(format!("there is no target {unknown}; there are {}", names.join(", "))));
    }
    names.retain(|name| wanted.is_empty() || wanted.contains(name));
    Ok(names)
}

/// Returns `cargo fuzz VERB` with these arguments. The compiler's own coverage and sanitizers are not stable options of
/// it: a stable compiler takes them only under `RUSTC_BOOTSTRAP`.
fn cargo_fuzz(program: &Path, verb: &str, arguments: &[&str]) -> Command {
    let mut fuzz = command(&program.to_string_lossy(), verb);
    fuzz.env("RUSTC_BOOTSTRAP", "1").args(["--fuzz-dir", "fuzz", "--target-dir"]).arg(folder()).args(arguments);
    fuzz
}

/// Returns the folder of everything that is built and found.
fn folder() -> PathBuf {
    target().join("fuzz")
}

/// Returns the folder of the inputs that were found here and are not in the repository.
fn found(name: &str) -> Result<PathBuf, Failure> {
    let found = folder().join("corpus").join(name);
    fs::create_dir_all(&found).map_err(|error| Failure::new(format!("{}: {error}", found.display())))?;
    Ok(found)
}

/// Runs one target for `seconds` seconds.
fn fuzz(program: &Path, name: &str, seconds: u32) -> Result<Run, Failure> {
    let (found, log) = (found(name)?, folder().join(format!("{name}.log")));
    let wrong = |error| Failure::new(format!("{}: {error}", log.display()));
    let file = File::create(&log).map_err(wrong)?;
    let (found, seeds) = (found.to_string_lossy(), format!("fuzz/corpus/{name}"));
    let mut fuzz = cargo_fuzz(program, "run", &[name, &found, &seeds, "--"]);
    fuzz.args(LIMITS).args([format!("-max_total_time={seconds}"), "-print_final_stats=1".into()]);
    if let Some((_, bytes)) = BYTES_MAX.iter().find(|(known, _)| *known == name) {
        fuzz.arg(format!("-max_len={bytes}"));
    }
    let status = fuzz.stderr(file.try_clone().map_err(wrong)?).stdout(file).status().map_err(wrong)?;
    let told = fs::read(&log).map_err(wrong)?;
    let told = String::from_utf8_lossy(&told);
    if !status.success() {
        let lines: Vec<&str> = told.lines().collect();
        println!("{}", lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n"));
    }
    Ok(Run::read(&told, status.success()))
}
