//! Watches whether the thread that writes does so, from another thread that writes nothing and so never hangs.
//! Must not know what is written.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::engine::Health;
use crate::lock_order::{LockRank, Ordered, ordered};

/// How long a write may take.
const HANGS_AFTER: Duration = Duration::from_secs(10);
/// The interval at which that is checked.
const LOOK: Duration = Duration::from_millis(250);

/// The state of the writer, and the health that rooms are notified of.
#[derive(Debug)]
pub(super) struct Pulse {
    health: watch::Sender<Health>,
    state: Mutex<PulseState>,
}

#[derive(Debug, Default)]
struct PulseState {
    /// Since when the writer is at work, if it is.
    busy: Option<Instant>,
    /// Whether it was at work for too long, and the rooms were notified.
    hangs: bool,
}

impl Pulse {
    /// Begins to watch a writer that does nothing yet.
    pub(super) fn start() -> std::io::Result<Arc<Self>> {
        let pulse = Arc::new(Self { health: watch::Sender::new(Health::Fine), state: Mutex::default() });
        let watched = Arc::downgrade(&pulse);
        // The thread ends with the writer and the engine, which hold the pulse.
        std::thread::Builder::new().name("journal-watch".to_owned()).spawn(move || watch(&watched))?;
        Ok(pulse)
    }

    /// Returns the health that rooms are notified of.
    pub(super) fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    pub(super) fn is_fine(&self) -> bool {
        *self.health.borrow() == Health::Fine
    }

    /// Returns whether nothing will ever be written again.
    pub(super) fn has_lost(&self) -> bool {
        *self.health.borrow() == Health::Lost
    }

    /// Returns whether the writer may go on: nothing has failed that has to be mended first.
    pub(super) fn may_write(&self) -> bool {
        self.is_fine() || self.lock().hangs
    }

    /// Notes that the writer is at work.
    pub(super) fn begin(&self) {
        self.lock().busy = Some(Instant::now());
    }

    /// Notes that the writer waits for work.
    pub(super) fn rest(&self) {
        let hung = {
            let mut state = self.lock();
            state.busy = None;
            std::mem::take(&mut state.hangs)
        };
        if hung {
            tracing::info!("the write has ended: rooms take messages again");
            // Nothing failed, it only took too long.
            self.set_health(|health| if *health == Health::Failing { Some(Health::Fine) } else { None });
        }
    }

    /// Notes that what was handed over is written.
    pub(super) fn writes(&self) {
        if !self.is_fine() {
            self.set_health(|health| if *health == Health::Lost { None } else { Some(Health::Fine) });
        }
    }

    /// Notes that a write has failed.
    pub(super) fn fails(&self) {
        self.lock().hangs = false;
        self.set_health(|health| if *health == Health::Lost { None } else { Some(Health::Failing) });
    }

    /// Notes that nothing will ever be written again.
    pub(super) fn is_lost(&self) {
        self.lock().hangs = false;
        self.set_health(|_| Some(Health::Lost));
    }

    fn set_health(&self, next: impl FnOnce(&Health) -> Option<Health>) {
        self.health.send_if_modified(|health| match next(health).filter(|next| next != health) {
            Some(next) => {
                *health = next;
                true
            }
            None => false,
        });
    }

    /// Notifies the rooms if the writer hangs.
    fn look(&self) {
        let mut state = self.lock();
        let hangs = state.busy.is_some_and(|since| since.elapsed() >= HANGS_AFTER);
        if hangs && !state.hangs && self.is_fine() {
            state.hangs = true;
            drop(state);
            tracing::error!("a write takes longer than {HANGS_AFTER:?}: rooms refuse messages until it ends");
            self.set_health(|health| if *health == Health::Fine { Some(Health::Failing) } else { None });
        }
    }

    fn lock(&self) -> Ordered<MutexGuard<'_, PulseState>> {
        // Each change is whole.
        ordered(LockRank::COLLECTION, || self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn watch(pulse: &Weak<Pulse>) {
    while let Some(pulse) = pulse.upgrade() {
        pulse.look();
        drop(pulse);
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_hangs_is_told_of_and_so_is_its_return() {
        let pulse = Pulse { health: watch::Sender::new(Health::Fine), state: Mutex::default() };
        let health = || *pulse.health.borrow();
        pulse.begin();
        pulse.look();
        assert_eq!(health(), Health::Fine);
        let long_ago = Instant::now().checked_sub(HANGS_AFTER).expect("the machine is up for so long");
        pulse.lock().busy = Some(long_ago);
        pulse.look();
        assert_eq!((health(), pulse.may_write()), (Health::Failing, true));
        pulse.rest();
        assert_eq!(health(), Health::Fine, "it has ended");

        pulse.begin();
        pulse.lock().busy = Some(long_ago);
        pulse.look();
        pulse.fails();
        pulse.rest();
        assert_eq!((health(), pulse.may_write()), (Health::Failing, false), "it has failed after all");
        pulse.writes();
        assert_eq!(health(), Health::Fine);
        pulse.is_lost();
        pulse.fails();
        assert_eq!(health(), Health::Lost, "for good");
    }
}
