//! Blocks a thread until a condition holds or patience ends. Must not know the condition.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The time between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Waits until `has_happened`, or `patience` ends.
pub(super) fn wait_until(patience: Duration, mut has_happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !has_happened() && Instant::now() <= deadline {
        thread::sleep(LOOK_INTERVAL);
    }
}

/// Waits until `count` is `wanted`, or `patience` ends. Returns how many are missing.
pub(super) fn missing(patience: Duration, count: &AtomicU32, wanted: u32) -> u32 {
    let missing = || wanted.saturating_sub(count.load(Ordering::Relaxed));
    wait_until(patience, || missing() == 0);
    missing()
}
