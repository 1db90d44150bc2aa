//! Runs the parts of a bench: by time with criterion, or one part a fixed number of times, to count its instructions
//! (`cargo xtask bench --instructions`). All input is the same in every run. Must not know what a part does.

use std::env;
use std::process::ExitCode;

use criterion::Criterion;

/// An operation that is repeated, the same each time.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// The name of the operation.
    pub name: &'static str,
    /// Whether its allocations are counted too.
    pub asks_for_memory: bool,
    /// Prepares the operation, and returns a function that does it once.
    pub prepare: fn() -> Box<dyn FnMut()>,
}

impl Part {
    /// Returns the part of this name.
    pub const fn new(name: &'static str, prepare: fn() -> Box<dyn FnMut()>) -> Self {
        Self { name, asks_for_memory: false, prepare }
    }

    /// Returns the part with its allocations counted too.
    pub const fn with_allocations(self) -> Self {
        Self { asks_for_memory: true, ..self }
    }
}

/// The number of repetitions before the measurement.
const WARM_UP: u32 = 20;

/// The number of repetitions when instructions are counted. Hash maps have a seed of their own in each process, which
/// over so many repetitions does not matter.
const TIMES: u32 = 500;

/// Does what the command line asks for; by default it runs criterion. `--list-parts` prints for each part its name, its
/// number of repetitions for a count, and whether its allocations are counted too. `--count NAME TIMES` does one part
/// that often in `counted_work`.
pub fn run(parts: &[Part]) -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [option, ..] if option == "--list-parts" => {
            for Part { name, asks_for_memory, .. } in parts {
                println!("{name} {TIMES}{}", if *asks_for_memory { " allocations" } else { "" });
            }
        }
        [option, name, times, ..] if option == "--count" => {
            let Some(part) = parts.iter().find(|part| part.name == name) else {
                eprintln!("there is no part `{name}`");
                return ExitCode::FAILURE;
            };
            let mut work = (part.prepare)();
            (0..WARM_UP).for_each(|_| work());
            counted_work(&mut *work, times.parse().unwrap_or(TIMES));
        }
        _ => {
            let mut criterion = Criterion::default().configure_from_args();
            for part in parts {
                let mut work = (part.prepare)();
                criterion.bench_function(part.name, |bencher| bencher.iter(&mut work));
            }
            criterion.final_summary();
        }
    }
    ExitCode::SUCCESS
}

/// The function whose instructions are counted; the profiler finds it by its name.
#[inline(never)]
fn counted_work(work: &mut dyn FnMut(), times: u32) {
    (0..times).for_each(|_| work());
}
