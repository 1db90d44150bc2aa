//! Looks at something at intervals while some work runs. Must not know what either is.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::steps::Failure;

/// Returns the outcome of `work`, and the looks meanwhile; the first look is at its beginning.
pub(super) fn during<T, L: Send>(
    every: Duration,
    mut look: impl FnMut() -> Result<L, Failure> + Send,
    work: impl FnOnce() -> T,
) -> (T, Result<Vec<L>, Failure>) {
    let (end, ended) = channel::<()>();
    thread::scope(|scope| {
        let looks = scope.spawn(move || {
            let mut looks = vec![look()?];
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                looks.push(look()?);
            }
            Ok(looks)
        });
        let done = work();
        drop(end);
        let looks = looks.join().unwrap_or_else(|_| Err(Failure::new("the thread that looks at the server panicked")));
        (done, looks)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn it_is_looked_until_the_work_is_done_or_a_look_fails() {
        let barrier = Barrier::new(2);
        let mut count = 0;
        let look = || {
            count += 1;
            if count == 3 {
                barrier.wait();
            }
            Ok(count)
        };
        let (done, looks) = during(Duration::from_millis(1), look, || {
            barrier.wait();
            "done"
        });
        assert_eq!((done, &looks.unwrap()[..3]), ("done", &[1, 2, 3][..]));
        let (done, looks) = during(Duration::ZERO, || Err::<(), _>(Failure::new("gone")), || 5);
        assert_eq!((done, looks.is_err()), (5, true));
    }
}
