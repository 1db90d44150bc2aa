//! The waiters for decisions that an engine has not written yet.
//! Must not know engines.

use std::fmt;

use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::room::core::ProposeError;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// The charge and the callback of a decision that is not written yet.
#[derive(Default)]
pub(super) struct Waiter {
    /// The part of the room's budget that it holds until all lanes have sent it.
    pub(super) charge: Option<OwnedSemaphorePermit>,
    /// The callback for its number, or for the error that nothing is known of it.
    pub(super) done: Option<Done>,
}

/// A callback for the outcome of a proposal. Called under the room's lock.
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

/// Returns a callback for the outcome of a proposal, and the receiver of that outcome.
pub(super) fn when_done() -> (Done, oneshot::Receiver<Result<Seq, ProposeError>>) {
    let (told, done) = oneshot::channel();
    // The receiver may be gone.
    (Box::new(move |outcome| _ = told.send(outcome)), done)
}
