//! Lets WebSocket handshakes in at a pace, so that those who are here get their turn while thousands come at once. A
//! connection that asks for nothing yet keeps nobody waiting here.
//! Must not know what a handshake is answered.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

/// After so many requests the gate is closed for a moment.
const CROWD: u32 = 16;

/// How long it is closed, at least; the timer makes it up to twice as long. Who comes more slowly than that is not held up.
const BREATH: Duration = Duration::from_millis(1);

/// The gate, one for the server. Whoever waits passes in the order of coming.
#[derive(Debug, Clone, Default)]
pub(super) struct Gate(Arc<Mutex<Crowd>>);

/// Who has passed since the last breath.
#[derive(Debug, Default)]
struct Crowd {
    count: u32,
    /// When the first of them did.
    since: Option<Instant>,
}

impl Gate {
    /// Waits until it is this one's turn.
    async fn pass(&self) {
        let mut crowd = self.0.lock().await;
        if crowd.since.is_none_or(|since| since.elapsed() >= BREATH) {
            *crowd = Crowd { count: 0, since: Some(Instant::now()) };
        }
        crowd.count += 1;
        if crowd.count >= CROWD {
            // Behind the lock, where the others wait.
            sleep(BREATH).await;
        }
    }
}

/// Holds a request up until it may pass.
pub(super) async fn keep(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    gate.pass().await;
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_crowd_passes_with_breaths_and_whoever_comes_alone_at_once() {
        let (gate, start) = (Gate::default(), Instant::now());
        for _ in 0..CROWD - 1 {
            gate.pass().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        gate.pass().await;
        assert!(start.elapsed() >= BREATH);
        let start = Instant::now();
        for _ in 0..3 * CROWD {
            tokio::time::advance(BREATH).await;
            let came = Instant::now();
            gate.pass().await;
            assert_eq!(came.elapsed(), Duration::ZERO);
        }
        assert_eq!(start.elapsed(), 3 * CROWD * BREATH);
    }

    #[tokio::test(start_paused = true)]
    async fn all_of_a_stampede_pass_in_the_order_of_coming_and_one_that_gives_up_holds_nobody_up() {
        let (gate, passed) = (Gate::default(), Arc::new(std::sync::Mutex::new(Vec::new())));
        let tasks: Vec<_> = (0..100)
            .map(|number| {
                let (gate, passed) = (gate.clone(), Arc::clone(&passed));
                tokio::spawn(async move {
                    gate.pass().await;
                    passed.lock().unwrap().push(number);
                })
            })
            .collect();
        tokio::task::yield_now().await;
        tasks[usize::try_from(CROWD).unwrap() - 1].abort();
        let outcomes = futures_util::future::join_all(tasks).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 1);
        let expected: Vec<_> = (0..100).filter(|number| number + 1 != CROWD).collect();
        assert_eq!(*passed.lock().unwrap(), expected);
    }
}
