//! A throttle for costly work: one piece at a time, with pauses in between, and few waiting requests for each address.
//! Must not know the work.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::network::Network;

/// The most requests that wait or run, in all and for one address.
const WAITING_MAX: usize = 64;
const WAITING_PER_ADDRESS_MAX: usize = 4;

/// The pause between two pieces of work: at this rate QR codes take a few hundredths of a core.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs one piece of work at a time.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    /// The number of requests that wait or run, by address.
    waiting: Mutex<HashMap<Option<Network>, usize>>,
    /// When the next piece of work may begin. The lock is fair: requests get it in their order.
    next: tokio::sync::Mutex<Option<Instant>>,
}

/// The right to work now. Dropping it starts the pause before the next one.
#[derive(Debug)]
pub(super) struct ThrottleGuard<'a> {
    next: tokio::sync::MutexGuard<'a, Option<Instant>>,
    _slot: WaitingSlot<'a>,
}

/// One counted request of an address. Dropping it removes it from the count.
#[derive(Debug)]
struct WaitingSlot<'a> {
    throttle: &'a Throttle,
    address: Option<Network>,
}

impl Throttle {
    /// Waits until a client at `address` may work. `None` if too many requests wait already.
    pub(super) async fn next(&self, address: Option<IpAddr>) -> Option<ThrottleGuard<'_>> {
        let slot = self.slot(address.map(Network::of_client))?;
        let next = self.next.lock().await;
        if let Some(next) = *next {
            sleep_until(next).await;
        }
        Some(ThrottleGuard { next, _slot: slot })
    }

    fn slot(&self, address: Option<Network>) -> Option<WaitingSlot<'_>> {
        let mut waiting = self.waiting();
        let (all, here) = (waiting.values().sum::<usize>(), waiting.get(&address).copied().unwrap_or(0));
        if all >= WAITING_MAX || here >= WAITING_PER_ADDRESS_MAX {
            return None;
        }
        waiting.insert(address, here + 1);
        Some(WaitingSlot { throttle: self, address })
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Option<Network>, usize>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ThrottleGuard<'_> {
    fn drop(&mut self) {
        *self.next = Some(Instant::now() + PAUSE);
    }
}

impl Drop for WaitingSlot<'_> {
    fn drop(&mut self) {
        let mut waiting = self.throttle.waiting();
        if let Some(count) = waiting.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::poll_immediate;

    use super::*;

    fn from(last: u8) -> Option<IpAddr> {
        Some([192, 0, 2, last].into())
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_one_after_the_other_with_a_pause() {
        let throttle = Throttle::default();
        let begun = Instant::now();
        for _ in 0..5 {
            drop(throttle.next(from(1)).await.unwrap());
        }
        assert_eq!(begun.elapsed().as_millis(), 4 * PAUSE.as_millis());
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_asks_for_many_leaves_turns_for_others() {
        let throttle = Throttle::default();
        let guard = throttle.next(from(1)).await.unwrap();
        let mut greedy: Vec<_> = (0..20).map(|_| Box::pin(throttle.next(from(1)))).collect();
        let mut refused = 0;
        for waiting in &mut greedy {
            refused += usize::from(poll_immediate(waiting.as_mut()).await.is_some_and(|guard| guard.is_none()));
        }
        assert_eq!(refused, 20 - (WAITING_PER_ADDRESS_MAX - 1));
        let mut other = Box::pin(throttle.next(from(2)));
        assert!(poll_immediate(other.as_mut()).await.is_none(), "it waits");
        drop((guard, greedy));
        assert!(other.await.is_some());
        assert!(throttle.waiting().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_wait_in_all() {
        let throttle = Throttle::default();
        let _turn = throttle.next(from(0)).await.unwrap();
        let mut waiting: Vec<_> = (1..=100).map(|last| Box::pin(throttle.next(from(last)))).collect();
        let mut refused = 0;
        for waiting in &mut waiting {
            refused += usize::from(poll_immediate(waiting.as_mut()).await.is_some());
        }
        assert_eq!(refused, 100 - (WAITING_MAX - 1));
    }
}
