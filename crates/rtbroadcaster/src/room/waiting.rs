//! Whoever waits until something that was decided is written.
//! Must not know who writes.

use std::fmt;

use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::room::core::ProposeError;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// What waits for something that was handed over to be written.
#[derive(Default)]
pub(super) struct Waiter {
    /// What it costs until everybody has it.
    pub(super) charge: Option<OwnedSemaphorePermit>,
    /// Is told the number, or that nobody knows whether it was written.
    pub(super) done: Option<Done>,
}

/// Is told, under the room's lock, what became of a proposal.
pub(crate) type Done = Box<dyn FnOnce(Result<Seq, ProposeError>) + Send>;

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").field("charge", &self.charge).finish_non_exhaustive()
    }
}

impl Waiter {
    pub(super) fn done(self, outcome: Result<Seq, ProposeError>) {
        if let Some(done) = self.done {
            done(outcome);
        }
    }
}

/// Something to be told what became of a proposal, and where that is told on.
pub(super) fn when_done() -> (Done, oneshot::Receiver<Result<Seq, ProposeError>>) {
    let (told, done) = oneshot::channel();
    // Nobody needs to wait for it.
    (Box::new(move |outcome| _ = told.send(outcome)), done)
}
