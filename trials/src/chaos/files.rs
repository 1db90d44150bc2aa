//! The limit of open files. Must not know their use.

use std::fs;

use crate::steps::Failure;

/// The number of files that this program and the server need besides one for each viewer.
const OTHER_FILES: u64 = 200;

/// Fails unless this program and the server may each have a file for so many viewers.
pub(super) fn suffice_for(viewers: u32) -> Result<(), Failure> {
    let path = "/proc/self/limits";
    let limits = fs::read_to_string(path).map_err(|error| Failure::new(format!("{path} cannot be read: {error}")))?;
    let (files, needed) = (open_max(&limits), u64::from(viewers) + OTHER_FILES);
    if files >= needed {
        return Ok(());
    }
    Err(Failure::new(format!("{files} files may be open, {needed} are needed: ulimit -n {needed}")))
}

fn open_max(limits: &str) -> u64 {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    // The only other value is `unlimited`.
    soft.and_then(|soft| soft.parse().ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_read_from_the_file_of_linux() {
        assert_eq!(open_max("Max cpu time  1 2 s\nMax open files            1024        4096      files\n"), 1_024);
        assert_eq!(open_max("Max open files            unlimited  unlimited files\n"), u64::MAX);
    }
}
