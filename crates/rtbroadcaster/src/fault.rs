//! Panics: each ends what caused it and nothing else.
//! Must not know what that is.
//!
//! Unwind safety is asserted, since what a panic leaves half changed is nowhere looked at: it is dropped with whatever
//! panicked, or lies behind a lock, which is poisoned then and says in its own place what becomes of its content.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

/// Something has panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault;

/// Does `act`; `what` says of which part a panic in it is the end.
pub(crate) fn catch<T>(what: &'static str, act: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|_| notice(what))
}

/// The same for a task, which is not polled again after a panic.
pub(crate) async fn catch_task<T>(what: &'static str, task: impl Future<Output = T>) -> Result<T, Fault> {
    let mut task = pin!(task);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(_) => std::task::Poll::Ready(Err(notice(what))),
    })
    .await
}

/// The one place where a panic is noticed. Without the panic's own words, which may hold a peer's.
fn notice(what: &'static str) -> Fault {
    tracing::error!(ends = what, "our fault: a panic was caught");
    Fault
}

/// Panics if a test says so by `word`, which is "panic in" this place.
#[cfg(test)]
pub(crate) fn inject(place: &str, word: &str) {
    assert!(word.strip_prefix("panic in ") != Some(place), "a test wants this");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_given_back_and_so_is_what_was_done_without_one() {
        assert_eq!(catch("this", || 7), Ok(7));
        assert_eq!(catch("this", || inject("here", "panic in here")), Err(Fault));
        assert_eq!(catch("this", || inject("here", "panic in there")), Ok(()));
        let slowly = async |word| {
            tokio::task::yield_now().await;
            inject("here", word);
            7
        };
        assert_eq!(catch_task("this", slowly("no panic")).await, Ok(7));
        assert_eq!(catch_task("this", slowly("panic in here")).await, Err(Fault));
    }
}
