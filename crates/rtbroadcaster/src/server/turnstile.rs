//! Admits clients in small groups, so that clients that are there get their turn while thousands come at once.
//! Must not know what clients pass it for.

use tokio::sync::Mutex;
use tokio::task::yield_now;

/// The number of clients after which everything else that is ready gets its turn.
const CROWD: u32 = 4;

/// A turnstile. Clients pass in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Turnstile(Mutex<u32>);

impl Turnstile {
    /// Waits until it is this client's turn.
    pub(super) async fn pass(&self) {
        let mut crowd = self.0.lock().await;
        *crowd += 1;
        if *crowd >= CROWD {
            *crowd = 0;
            // Under the lock, for which the other clients wait. Not by the clock: a pause would leave the processor
            // idle, and cold.
            yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::server::Server;

    impl Server {
        /// Closes the turnstile of the handshakes until the returned value is dropped.
        pub(crate) async fn close_handshakes(&self) -> impl Drop + '_ {
            self.handshakes.0.lock().await
        }

        /// Closes the turnstile of the joins until the returned value is dropped.
        pub(crate) async fn close_joins(&self) -> impl Drop + '_ {
            self.joins.0.lock().await
        }
    }

    #[tokio::test]
    async fn all_of_a_stampede_pass_in_the_order_of_coming_and_others_get_their_turn_meanwhile() {
        let (turnstile, passed) = (Arc::new(Turnstile::default()), Arc::new(std::sync::Mutex::new(Vec::new())));
        let tasks: Vec<_> = (0..10 * CROWD)
            .map(|number| {
                let (turnstile, passed) = (Arc::clone(&turnstile), Arc::clone(&passed));
                tokio::spawn(async move {
                    turnstile.pass().await;
                    passed.lock().unwrap().push(number);
                })
            })
            .collect();
        let turns = Arc::new(AtomicU32::new(0));
        let other = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move {
                loop {
                    turns.fetch_add(1, Ordering::Relaxed);
                    yield_now().await;
                }
            }
        });
        futures_util::future::try_join_all(tasks).await.unwrap();
        other.abort();
        assert_eq!(*passed.lock().unwrap(), (0..10 * CROWD).collect::<Vec<_>>());
        assert!(turns.load(Ordering::Relaxed) >= 9, "{turns:?} turns");
    }

    #[tokio::test]
    async fn one_that_gives_up_holds_nobody_up() {
        let (turnstile, passed) = (Arc::new(Turnstile::default()), Arc::new(AtomicU32::new(0)));
        let held = turnstile.0.lock().await;
        let tasks: Vec<_> = (0..3 * CROWD)
            .map(|_| {
                let (turnstile, passed) = (Arc::clone(&turnstile), Arc::clone(&passed));
                tokio::spawn(async move {
                    turnstile.pass().await;
                    passed.fetch_add(1, Ordering::Relaxed);
                })
            })
            .collect();
        yield_now().await;
        tasks[0].abort();
        tasks[usize::try_from(CROWD).unwrap()].abort();
        drop(held);
        let outcomes = futures_util::future::join_all(tasks).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 2);
        assert_eq!(passed.load(Ordering::Relaxed), 3 * CROWD - 2);
    }
}
