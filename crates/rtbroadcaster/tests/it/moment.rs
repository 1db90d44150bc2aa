//! Waiting for something with a deadline. Must not know what is waited for.

use std::future::Future;
use std::time::Duration;

/// What a single step may take, also on a busy machine.
const STEP: Duration = Duration::from_secs(5);
/// What may be waited for when the thing itself takes long.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// How often a condition is looked at that cannot say when it changes.
const LOOK: Duration = Duration::from_millis(2);

/// What `future` gives, within the time of one step.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    within_time(STEP, what, future).await
}

/// What `future` gives, within `time`.
pub(crate) async fn within_time<T>(time: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(time, future).await {
        Ok(done) => done,
        Err(_) => panic!("{what}: nothing came in {time:?}"),
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, condition: impl FnMut() -> bool) {
    until_time(STEP, what, condition).await;
}

/// Waits until `condition` holds, at most `time`.
pub(crate) async fn until_time(time: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let holds = async {
        let mut look = tokio::time::interval(LOOK);
        while !condition() {
            look.tick().await;
        }
    };
    within_time(time, what, holds).await;
}
