//! Reads CPU time and memory of a process or a thread from Linux (`proc(5)`). Must not know which process it is.

use std::fs;
use std::path::{Path, PathBuf};

/// The CPU time of a thread or a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CpuTime {
    /// Nanoseconds on a core.
    pub(crate) ran: u64,
    /// Nanoseconds in which it could have run but had no core.
    pub(crate) waited: u64,
}

impl CpuTime {
    /// Returns the time since an earlier reading.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { ran: self.ran.saturating_sub(earlier.ran), waited: self.waited.saturating_sub(earlier.waited) }
    }
}

/// Returns the CPU time of all threads of a process; `None` without such a process, or if the system does not report
/// it.
pub(crate) fn cpu(pid: u32) -> Option<CpuTime> {
    let mut sum = CpuTime::default();
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        // A thread may end meanwhile.
        let Some(time) = task.ok().and_then(|task| cpu_at(&task.path())) else { continue };
        sum.ran += time.ran;
        sum.waited += time.waited;
    }
    (sum.ran > 0).then_some(sum)
}

/// Returns the resident memory of a process, in bytes.
pub(crate) fn rss(pid: u32) -> Option<u64> {
    parse_rss(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// A thread of this process, whose CPU time other threads can read.
#[derive(Debug, Clone, Default)]
pub(crate) struct ThreadStat(Option<PathBuf>);

impl ThreadStat {
    /// Returns the calling thread.
    pub(crate) fn current() -> Self {
        Self(fs::read_link("/proc/thread-self").ok().map(|link| Path::new("/proc").join(link)))
    }

    /// Returns its CPU time, if the system reports it.
    pub(crate) fn cpu(&self) -> Option<CpuTime> {
        cpu_at(self.0.as_deref()?)
    }
}

fn cpu_at(task: &Path) -> Option<CpuTime> {
    parse_schedstat(&fs::read_to_string(task.join("schedstat")).ok()?)
}

fn parse_schedstat(text: &str) -> Option<CpuTime> {
    let mut fields = text.split_whitespace();
    Some(CpuTime { ran: fields.next()?.parse().ok()?, waited: fields.next()?.parse().ok()? })
}

fn parse_rss(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_time_are_read_from_what_linux_tells() {
        assert_eq!(parse_rss("Name:\ta\nVmRSS:\t    5120 kB\nThreads:\t1\n"), Some(5_242_880));
        assert_eq!(parse_rss("Name:\ta\n"), None);
        let time = CpuTime { ran: 12_345, waited: 67 };
        assert_eq!(parse_schedstat("12345 67 8\n"), Some(time));
        assert_eq!(parse_schedstat(""), None);
        assert_eq!(time.since(CpuTime { ran: 345, waited: 70 }), CpuTime { ran: 12_000, waited: 0 });
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_and_this_thread_can_be_looked_at() {
        assert!(ThreadStat::current().cpu().is_some());
        let pid = std::process::id();
        assert!(cpu(pid).is_some() && rss(pid).is_some_and(|bytes| bytes > 0));
    }
}
