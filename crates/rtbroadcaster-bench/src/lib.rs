//! `rtbroadcaster bench`: measures how many viewers a server holds, and what a delivery costs it. It measures any
//! server over the network. Must not know the library, since a fault of that could hide itself.
//!
//! A program mounts it as a command of its own:
//!
//! ```
//! use clap::Parser;
//!
//! #[derive(Parser)]
//! enum Program {
//!     #[command(after_help = rtbroadcaster_bench::EXAMPLES)]
//!     Bench(Box<rtbroadcaster_bench::Options>),
//! }
//!
//! assert!(Program::try_parse_from(["program", "bench", "--viewers", "10"]).is_ok());
//! assert!(Program::try_parse_from(["program", "bench", "--rate", "5", "--window", "2"]).is_err());
//! ```
//!
//! `rtbroadcaster_bench::run` measures, prints the result, and returns the exit code.

mod age_histograms;
mod course;
mod delivery_tracker;
mod failure;
mod figures;
mod files;
mod frame;
mod handshake;
mod latency;
mod message;
mod message_kind;
mod options;
mod plan;
mod process;
mod progress;
mod publisher;
mod publisher_connection;
mod report;
mod room;
mod speech;
mod table;
mod target;
mod viewer_connection;
mod viewers;
mod workers;

use std::io::Write;
use std::process::ExitCode;

pub use options::Options;
use options::PlanError;
use progress::Progress;
use report::Report;

/// The text below the options in `--help`.
pub const EXAMPLES: &str = "\
All clients come from one address, which the server must allow:
  rtbroadcaster --connections-per-address-max none --handshakes-per-address-per-second none

Examples:
  rtbroadcaster bench                                               1 000 viewers, one message at a time
  rtbroadcaster bench --pid $(pidof -s rtbroadcaster)               Also what all of it costs the server
  rtbroadcaster bench --viewers 10000 --window 16                   As many messages as the server can carry
  rtbroadcaster bench --rooms 10 --rate 50                          How late messages come at this rate
  rtbroadcaster bench --kind mixed --rate 20000                     How old state values get under overload
  rtbroadcaster bench --joins 5000                                  How fast many viewers join
  rtbroadcaster bench ws://127.0.0.1:9000/ --protocol relay --json  Another server, for a machine

A run is void when a thread of this program ran, or waited for a core, for more than 80 % of the time: it was the
bottleneck, and only CPU a delivery and memory tell something about the server. docs/performance.md says what each
figure and each JSON field means.

Exit code: 0 if each viewer got each message once and in order; 1 if not, or without a result; 2 for wrong options.";

/// Measures, prints the report, and returns the process's exit code.
pub fn run(options: &Options) -> ExitCode {
    let plan = match options.plan() {
        Ok(plan) if plan.pid.is_some_and(|pid| process::cpu(pid).is_none()) => {
            return complain(&PlanError::Process(plan.pid.unwrap_or(0)), ExitCode::from(2));
        }
        Ok(plan) => plan,
        // The exit code of clap for a wrong command line.
        Err(error) => return complain(&error, ExitCode::from(2)),
    };
    let progress = Progress::new();
    let measurements = course::run(plan.clone(), &progress);
    drop(progress);
    let report = match measurements {
        Ok(measurements) => Report::new(&plan, &measurements),
        Err(failure) => return complain(&failure, ExitCode::FAILURE),
    };
    let text = if options.is_json() { json(&report) } else { report.to_string() };
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) if report.is_good() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn json(report: &Report) -> String {
    serde_json::to_string(report).expect("numbers and names are JSON")
}

/// Writes to stderr why there is no result, and returns `code`.
fn complain(error: &dyn std::error::Error, code: ExitCode) -> ExitCode {
    // Plain text and no log line: a person reads it.
    let _ = writeln!(std::io::stderr(), "rtbroadcaster: {error}");
    code
}
