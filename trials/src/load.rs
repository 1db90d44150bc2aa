//! The parts that the load generators share: connections, the server's process, threads. Must not know what is
//! measured.

pub(crate) mod frame;
pub(crate) mod nats;
pub(crate) mod peer;
pub(crate) mod process;
pub(crate) mod server;

use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub(crate) use crate::steps::target;
use crate::steps::{Failure, Steps, command};

/// In a build that is not optimized: runs the same command in an optimized one, and returns how that ended. The load
/// generator must not be the slow part.
pub(crate) fn optimized(steps: &mut Steps) -> Option<Result<(), Failure>> {
    cfg!(debug_assertions).then(|| {
        steps.run(&mut command("cargo", "build --release --package rtbroadcaster-server --package trials"))?;
        let mut optimized = command(&release("trials").to_string_lossy(), "");
        steps.run(optimized.args(std::env::args_os().skip(1)))
    })
}

/// Returns the path of an optimized program.
pub(crate) fn release(program: &str) -> PathBuf {
    target().join("release").join(program)
}

/// Returns the path of a program of the same build as this one.
pub(crate) fn built(program: &str) -> PathBuf {
    if cfg!(debug_assertions) { target().join("debug").join(program) } else { release(program) }
}

/// Builds the server's program as this one is built, unless that was done with it, and returns its path.
pub(crate) fn server_program(steps: &mut Steps) -> Result<PathBuf, Failure> {
    if cfg!(debug_assertions) {
        // As `cargo xtask test` builds it, or everything would be built once more with a few features less.
        steps.run(&mut command("cargo", "test --workspace --all-features --no-run --quiet"))?;
    }
    Ok(built("rtbroadcaster"))
}

/// The share of a core that a thread or a process used in a stretch of time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CpuShare {
    pub(crate) cpu: Duration,
    pub(crate) time: Duration,
}

impl CpuShare {
    pub(crate) fn share(self) -> f64 {
        self.cpu.as_secs_f64() / self.time.as_secs_f64()
    }
}

/// A stretch of time on this thread.
pub(crate) struct Stretch {
    cpu: Duration,
    at: Instant,
}

impl Stretch {
    pub(crate) fn begin() -> Result<Self, Failure> {
        Ok(Self { cpu: process::cpu_of_this_thread()?, at: Instant::now() })
    }

    pub(crate) fn end(self) -> Result<CpuShare, Failure> {
        Ok(CpuShare { cpu: process::cpu_of_this_thread()?.saturating_sub(self.cpu), time: self.at.elapsed() })
    }
}

/// Runs `work` on a thread of its own, so that its share of a core can be measured, for at most `limit`.
pub(crate) fn on_a_thread<T, F>(
    limit: Duration,
    work: impl FnOnce() -> F + Send + 'static,
) -> JoinHandle<Result<T, Failure>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>>,
{
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(format!("the runtime does not start: {error}")))?;
        let bounded = async { tokio::time::timeout(limit, work()).await };
        runtime.block_on(bounded).unwrap_or_else(|_| Err(Failure::new(format!("not finished within {limit:?}"))))
    })
}

/// Returns the outcome of a thread.
pub(crate) fn outcome<T>(thread: JoinHandle<Result<T, Failure>>) -> Result<T, Failure> {
    thread.join().unwrap_or_else(|_| Err(Failure::new("a thread of the load generator panicked")))
}
