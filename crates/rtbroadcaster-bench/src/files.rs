//! How many files this process may have open. Must not know what they are for.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::failure::Failure;

/// Sees to it that `needed` files can be open, as far as the system lets a process do so itself.
pub(crate) fn allow(needed: u64) -> Result<(), Failure> {
    let mut limit = getrlimit(Resource::Nofile);
    // No limit at all is `None`.
    if limit.current.is_some_and(|allowed| allowed < needed) {
        limit.current = limit.maximum;
        // If it fails, the old limit stands, and the next look tells.
        let _ = setrlimit(Resource::Nofile, limit);
    }
    match getrlimit(Resource::Nofile).current {
        Some(allowed) if allowed < needed => Err(Failure::Files { needed, allowed }),
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
