//! Starts, observes and joins the threads of a run. Must not know what they do.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle, sleep};
use std::time::Duration;

use crate::failure::Failure;
use crate::figures::Look;
use crate::owner::Owner;
use crate::process::{self, Thread};
use crate::publisher::{self, Said};
use crate::room::Shared;
use crate::viewers::{self, Heard};

/// The name of each thread, and where the system reports its CPU time.
pub(crate) type Roll = Mutex<Vec<(String, Thread)>>;

/// Why a run was aborted.
pub(crate) enum Ended {
    /// A thread has ended early; its result has the reason.
    Early,
    /// The server does not pass messages on.
    NoRelay,
}

/// The threads of a run.
pub(crate) struct Crew<'a> {
    shared: &'a Shared,
    roll: &'a Roll,
    publisher: ScopedJoinHandle<'a, Result<Said, Failure>>,
    viewers: Vec<ScopedJoinHandle<'a, Result<Heard, Failure>>>,
}

impl<'a> Crew<'a> {
    /// Starts one thread for all owners, and the planned number of threads for the viewers.
    pub(crate) fn start(
        scope: &'a Scope<'a, '_>,
        shared: &'a Shared,
        roll: &'a Roll,
        address: SocketAddr,
        owners: Vec<Owner>,
    ) -> Result<Self, Failure> {
        let enrol = move |name: &str| {
            let mut roll = roll.lock().unwrap_or_else(PoisonError::into_inner);
            roll.push((name.to_owned(), Thread::current()));
        };
        let publisher = Builder::new().spawn_scoped(scope, move || {
            enrol("publisher");
            publisher::run(shared, owners)
        });
        let publisher = publisher.map_err(Failure::System)?;
        let mut viewers = Vec::new();
        for thread in 0..shared.plan.threads {
            let (first, storm) = parts(shared, thread);
            let handle = Builder::new().spawn_scoped(scope, move || {
                enrol(&format!("viewers {}", thread + 1));
                viewers::run(shared, address, thread as usize, first, storm)
            });
            viewers.push(handle.map_err(Failure::System)?);
        }
        Ok(Self { shared, roll, publisher, viewers })
    }

    /// Waits until `is_so`, which is checked each `look`.
    pub(crate) fn wait(&self, look: Duration, mut is_so: impl FnMut() -> bool) -> Result<(), Ended> {
        while !is_so() {
            if self.publisher.is_finished() || self.viewers.iter().any(ScopedJoinHandle::is_finished) {
                return Err(Ended::Early);
            }
            sleep(look);
        }
        Ok(())
    }

    /// Returns what the server and the threads have used up to now.
    pub(crate) fn look(&self) -> Look {
        let roll = self.roll.lock().unwrap_or_else(PoisonError::into_inner);
        let threads = roll.iter().filter_map(|(name, thread)| Some((name.clone(), thread.cpu()?)));
        let mut threads: Vec<_> = threads.collect();
        // The threads registered in no particular order.
        threads.sort_by(|(one, _), (other, _)| one.cmp(other));
        Look {
            at: self.shared.clock.nanos(),
            deliveries: self.shared.deliveries(),
            server: self.shared.plan.pid.and_then(process::cpu),
            threads,
        }
    }

    /// Waits for the threads, once the last phase has begun, and returns their results.
    pub(crate) fn join(self) -> Result<(Vec<Heard>, Said), Failure> {
        let said = self.publisher.join().unwrap_or(Err(Failure::Thread));
        let heard = self.viewers.into_iter().map(|thread| thread.join().unwrap_or(Err(Failure::Thread)));
        let heard: Result<_, _> = heard.collect();
        Ok((heard?, said?))
    }
}

/// Returns the viewers of a thread: its part of the first ones, and of the join storm.
fn parts(shared: &Shared, thread: u32) -> (Range<u32>, Range<u32>) {
    let plan = &shared.plan;
    let part = |of: u32, thread: u32| {
        let end = u64::from(of) * u64::from(thread) / u64::from(plan.threads);
        u32::try_from(end).expect("a share of the viewers is no more than all")
    };
    let range = |of, offset| part(of, thread) + offset..part(of, thread + 1) + offset;
    (range(plan.viewers, 0), range(plan.joins.unwrap_or(0), plan.viewers))
}
