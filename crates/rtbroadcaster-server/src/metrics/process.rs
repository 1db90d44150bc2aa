//! What this process uses of the machine. Must not know what it is used for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::process;

/// This process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    /// Since the epoch of Unix.
    started: Duration,
}

/// What it uses at one moment, as far as the system tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Since it began, threads included that have ended.
    pub(super) cpu: Option<Duration>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) open_files: Option<u64>,
    /// The limit; `None` if there is none.
    pub(super) open_files_max: Option<u64>,
    /// Since the epoch of Unix.
    pub(super) started: Duration,
}

impl Process {
    /// It has begun just now.
    pub(crate) fn begins() -> Self {
        // A clock that stands before 1970 is wrong anyway.
        Self { started: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() }
    }

    /// What it uses now.
    pub(super) fn look(self) -> Seen {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        Seen {
            cpu: cpu.try_into().ok(),
            resident_bytes: process::resident_bytes(),
            open_files: process::open_files(),
            open_files_max: getrlimit(Resource::Nofile).current,
            started: self.started,
        }
    }
}
