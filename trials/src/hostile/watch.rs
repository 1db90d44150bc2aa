//! The most that a process holds during some work. Must not know the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::target::{HeldResources, RoomStore};
use crate::steps::Failure;

/// The time between two looks at the process.
const LOOK: Duration = Duration::from_millis(20);

/// Looks at the process until it is ended.
pub(super) struct PeakWatch {
    looking: JoinHandle<Result<HeldResources, Failure>>,
    enough: Arc<AtomicBool>,
}

impl PeakWatch {
    pub(super) fn begin(pid: u32, store: RoomStore) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&enough);
        let looking = thread::spawn(move || {
            let mut most = HeldResources::of(pid, store)?;
            while !until.load(Ordering::Relaxed) {
                thread::sleep(LOOK);
                let held = HeldResources::of(pid, store)?;
                most = HeldResources { store, rss: most.rss.max(held.rss), files: most.files.max(held.files) };
            }
            Ok(most)
        });
        Self { looking, enough }
    }

    pub(super) fn end(self) -> Result<HeldResources, Failure> {
        self.enough.store(true, Ordering::Relaxed);
        self.looking.join().unwrap_or_else(|_| Err(Failure::new("the watch panicked")))
    }
}
