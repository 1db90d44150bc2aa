//! Computes how many sockets the limit of open files allows, besides the server's own files.
//! Must not know connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::process;

/// Files in reserve for the store, the log and the admin address. The store has up to 64 tables open, as many again
/// while it merges them, and its journals. The admin address has 64 connections.
const RESERVE: usize = 256;

/// Raises the limit of open files as far as this process may. Returns how many sockets may be open at once; `None` if
/// there is no limit.
pub(super) fn sockets_max() -> Option<usize> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            limit.current
        }
    }?;
    let open = process::open_files().unwrap_or_default();
    Some(carried(files, open))
}

/// Returns how many sockets a limit of `files` allows, of which `open` are in use. The reserve is at most half of the
/// free ones.
fn carried(files: u64, open: u64) -> usize {
    let free = usize::try_from(files.saturating_sub(open)).unwrap_or(usize::MAX);
    free - RESERVE.min(free / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_in_reserve_whatever_the_limit_is() {
        assert_eq!(carried(1_024, 24), 744);
        assert_eq!(carried(20_000, 0), 19_744);
        assert_eq!(carried(300, 20), 140);
        assert_eq!(carried(10, 20), 0);
        assert!(carried(u64::MAX, 20) > 1_000_000_000);
    }
}
