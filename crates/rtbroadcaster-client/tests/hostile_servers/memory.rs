//! The peak memory of this process: proc(5), `VmHWM` and `clear_refs`. Must not know which part uses it.

use std::fs;

/// Resets the peak to the present memory.
pub(crate) fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// Returns the most resident bytes since the reset.
pub(crate) fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse().unwrap();
    kib << 10
}
