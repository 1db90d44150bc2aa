//! Detects that this machine has slept, or that the process was stopped. One thread for all clients of the process
//! compares the wall clock with the monotonic one, which may stand still during sleep. Must not know clients.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

/// The time between two comparisons of the clocks. A client's status is right within 2 s, of which a probe takes 1.5 s.
const TICK: Duration = Duration::from_millis(400);

/// By how much one clock may advance more than the other between two comparisons: other programs slew the wall clock.
const JUMP: Duration = Duration::from_millis(1_500);

/// The longest delay of a comparison that is no sign of a stopped process.
const LATE: Duration = Duration::from_secs(3);

/// The sender of each possible sleep of the machine; `None` while the thread does not run.
static TELLING: Mutex<Option<watch::Sender<u64>>> = Mutex::new(None);

/// Returns a receiver that changes each time that this machine may have slept. If the system starts no thread for it,
/// the receiver never changes.
pub(super) fn watch() -> watch::Receiver<u64> {
    let mut telling = TELLING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(sender) = &*telling {
        return sender.subscribe();
    }
    let (sender, receiver) = watch::channel(0);
    if thread::Builder::new().name("suspension".into()).spawn(look).is_ok() {
        *telling = Some(sender);
    }
    receiver
}

/// Compares the clocks until the last receiver is dropped.
fn look() {
    let mut before = Clocks::now();
    loop {
        thread::sleep(TICK);
        let now = Clocks::now();
        let mut telling = TELLING.lock().unwrap_or_else(PoisonError::into_inner);
        match &*telling {
            Some(sender) if sender.receiver_count() > 0 => {
                if now.has_slept_since(before) {
                    sender.send_modify(|times| *times += 1);
                }
            }
            _ => {
                *telling = None;
                return;
            }
        }
        before = now;
    }
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
struct Clocks {
    /// The monotonic clock. It may stand still while the machine sleeps.
    steady: Instant,
    wall: SystemTime,
}

impl Clocks {
    fn now() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }

    fn has_slept_since(self, before: Self) -> bool {
        let steady = self.steady.saturating_duration_since(before.steady);
        let jump = match self.wall.duration_since(before.wall) {
            Ok(wall) => wall.abs_diff(steady),
            Err(back) => back.duration().saturating_add(steady),
        };
        jump > JUMP || steady > TICK + LATE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_either_clock_is_sleep_and_a_late_look_is_one_too() {
        let before = Clocks::now();
        let after = |steady: u64, wall: i64| {
            let moved = Duration::from_millis(wall.unsigned_abs());
            let wall = if wall < 0 { before.wall - moved } else { before.wall + moved };
            Clocks { steady: before.steady + Duration::from_millis(steady), wall }.has_slept_since(before)
        };
        assert!(!after(400, 400) && !after(900, 900) && !after(400, 1_800));
        assert!(after(400, 3_600_000), "the machine has slept");
        assert!(after(400, -5_000), "the clock was set back");
        assert!(after(60_000, 60_000), "the process was stopped");
    }

    #[test]
    fn the_thread_ends_with_the_last_client_and_begins_with_the_next_one() {
        let first = watch();
        let second = watch();
        assert!(first.same_channel(&second));
        drop((first, second));
        let begun = Instant::now();
        while TELLING
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .is_some_and(|sender| sender.receiver_count() == 0)
        {
            assert!(begun.elapsed() < Duration::from_secs(30), "the thread is still there");
            thread::yield_now();
        }
        assert!(watch().has_changed().is_ok());
    }
}
