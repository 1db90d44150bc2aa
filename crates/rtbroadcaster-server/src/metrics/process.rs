//! The resources that this process uses.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::process;

/// This process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    /// The start time, as time since the Unix epoch.
    started: Duration,
}

/// The resources in use at one moment, as far as the system reports them.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProcessStats {
    /// The CPU time since the start, including threads that have ended.
    pub(super) cpu: Option<Duration>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) open_files: Option<u64>,
    /// The limit of open files; `None` if there is none.
    pub(super) open_files_max: Option<u64>,
    /// The start time, as time since the Unix epoch.
    pub(super) started: Duration,
}

impl Process {
    /// Returns the process with the current time as its start time.
    pub(crate) fn started_now() -> Self {
        // A clock before 1970 is wrong anyway.
        Self { started: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() }
    }

    /// Returns the resources that are in use now.
    pub(super) fn stats(self) -> ProcessStats {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        ProcessStats {
            cpu: cpu.try_into().ok(),
            resident_bytes: process::resident_bytes(),
            open_files: process::open_files(),
            open_files_max: getrlimit(Resource::Nofile).current,
            started: self.started,
        }
    }
}
