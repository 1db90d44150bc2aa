//! Catches panics: each ends the part that caused it and nothing else.
//! Must not know that part.
//!
//! Unwind safety is asserted, since no part sees what a panic leaves half changed. It is dropped with the part that
//! panicked, or lies behind a lock that is poisoned then; each lock says what becomes of its content.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use crate::metrics::Counters;

/// A panic that was caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault;

/// Does `act`, and catches a panic. `what` names the part that a panic ends, and `counters` count it.
pub(crate) fn catch<T>(what: &'static str, counters: &Counters, act: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|_| notice(what, counters))
}

/// Does the same for a task, which is not polled again after a panic. The caller pins it: a future that is handed over
/// would take its memory twice in the one that pins it.
pub(crate) async fn catch_task<T>(
    what: &'static str,
    counters: &Counters,
    mut task: Pin<&mut impl Future<Output = T>>,
) -> Result<T, Fault> {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(_) => std::task::Poll::Ready(Err(notice(what, counters))),
    })
    .await
}

/// Counts and logs a panic, which is done nowhere else. Without the panic's own text, which may quote a peer.
fn notice(what: &'static str, counters: &Counters) -> Fault {
    counters.panicked();
    tracing::error!(ends = what, "our fault: a panic was caught");
    Fault
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_given_back_and_so_is_what_was_done_without_one() {
        let counters = Counters::idle();
        let catch = |act: &dyn Fn() -> u8| catch("this", &counters, act);
        assert_eq!(catch(&|| 7), Ok(7));
        assert_eq!(catch(&|| panic!("a test wants this")), Err(Fault));
        let slowly = async |panics: bool| {
            tokio::task::yield_now().await;
            assert!(!panics, "a test wants this");
            7
        };
        assert_eq!(catch_task("this", &counters, pin!(slowly(false))).await, Ok(7));
        assert_eq!(catch_task("this", &counters, pin!(slowly(true))).await, Err(Fault));
        assert_eq!(counters.look().panics, 2);
    }
}
