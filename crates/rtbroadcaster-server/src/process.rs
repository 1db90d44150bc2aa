//! Memory and open files of this process, read from Linux (`proc(5)`).

use std::fs;

/// Returns the resident memory of this process, in bytes; `None` if the system does not report it.
pub(crate) fn resident_bytes() -> Option<u64> {
    parse_rss(&fs::read_to_string("/proc/self/status").ok()?)
}

/// Returns the number of open files of this process, sockets included.
pub(crate) fn open_files() -> Option<u64> {
    let files = fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is the directory that is being read.
    u64::try_from(files.saturating_sub(1)).ok()
}

fn parse_rss(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_status_of_linux() {
        assert_eq!(parse_rss("Name:\ta\nVmRSS:\t    5120 kB\nThreads:\t1\n"), Some(5_242_880));
        assert_eq!(parse_rss("Name:\ta\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_memory_and_open_files() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 0));
        assert!(open_files().is_some_and(|files| files >= 3), "the standard streams at least");
    }
}
