//! Raises the limit of open files of this process. Must not know what they are for.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::failure::BenchError;

/// Raises the soft limit if `needed` files exceed it.
///
/// # Errors
/// The hard limit is lower than `needed`.
pub(crate) fn allow(needed: u64) -> Result<(), BenchError> {
    let mut limit = getrlimit(Resource::Nofile);
    // `None` means no limit.
    if limit.current.is_some_and(|allowed| allowed < needed) {
        limit.current = limit.maximum;
        // If this fails, the old limit stays, and the check below reports it.
        let _ = setrlimit(Resource::Nofile, limit);
    }
    match getrlimit(Resource::Nofile).current {
        Some(allowed) if allowed < needed => Err(BenchError::Files { needed, allowed }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_files_than_there_may_be_are_refused_with_both_numbers() {
        assert!(allow(16).is_ok());
        if getrlimit(Resource::Nofile).maximum.is_some() {
            let error = allow(u64::MAX).unwrap_err().to_string();
            assert!(error.contains("open files") && error.contains("ulimit -n"), "{error}");
        }
    }
}
