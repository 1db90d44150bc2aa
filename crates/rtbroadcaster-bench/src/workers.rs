//! Starts, observes and joins the threads of a run. Must not know what they do.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle, sleep};
use std::time::Duration;

use crate::failure::BenchError;
use crate::figures::UsageSample;
use crate::process::{self, ThreadStat};
use crate::publisher::{self, PublisherResult};
use crate::publisher_connection::PublisherConnection;
use crate::room::RunState;
use crate::viewers::{self, ViewersResult};

/// The name of each thread, and where the system reports its CPU time.
pub(crate) type ThreadList = Mutex<Vec<(String, ThreadStat)>>;

/// Why a run was aborted.
pub(crate) enum Aborted {
    /// A thread has ended early; its result has the reason.
    Early,
    /// The server does not pass messages on.
    NoRelay,
}

/// The threads of a run.
pub(crate) struct Workers<'a> {
    shared: &'a RunState,
    thread_list: &'a ThreadList,
    publisher: ScopedJoinHandle<'a, Result<PublisherResult, BenchError>>,
    viewers: Vec<ScopedJoinHandle<'a, Result<ViewersResult, BenchError>>>,
}

impl<'a> Workers<'a> {
    /// Starts one thread for all owners, and the planned number of threads for the viewers.
    pub(crate) fn start(
        scope: &'a Scope<'a, '_>,
        shared: &'a RunState,
        thread_list: &'a ThreadList,
        address: SocketAddr,
        owners: Vec<PublisherConnection>,
    ) -> Result<Self, BenchError> {
        let enrol = move |name: &str| {
            let mut thread_list = thread_list.lock().unwrap_or_else(PoisonError::into_inner);
            thread_list.push((name.to_owned(), ThreadStat::current()));
        };
        let publisher = Builder::new().spawn_scoped(scope, move || {
            enrol("publisher");
            publisher::run(shared, owners)
        });
        let publisher = publisher.map_err(BenchError::System)?;
        let mut viewers = Vec::new();
        for thread in 0..shared.plan.threads {
            let (first, storm) = shares(shared, thread);
            let handle = Builder::new().spawn_scoped(scope, move || {
                enrol(&format!("viewers {}", thread + 1));
                viewers::run(shared, address, thread as usize, first, storm)
            });
            viewers.push(handle.map_err(BenchError::System)?);
        }
        Ok(Self { shared, thread_list, publisher, viewers })
    }

    /// Waits until `is_so`, which is checked each `look`.
    pub(crate) fn wait(&self, look: Duration, mut is_so: impl FnMut() -> bool) -> Result<(), Aborted> {
        while !is_so() {
            if self.publisher.is_finished() || self.viewers.iter().any(ScopedJoinHandle::is_finished) {
                return Err(Aborted::Early);
            }
            sleep(look);
        }
        Ok(())
    }

    /// Returns what the server and the threads have used up to now.
    pub(crate) fn sample(&self) -> UsageSample {
        let thread_list = self.thread_list.lock().unwrap_or_else(PoisonError::into_inner);
        let threads = thread_list.iter().filter_map(|(name, thread)| Some((name.clone(), thread.cpu()?)));
        let mut threads: Vec<_> = threads.collect();
        // The threads registered in no particular order.
        threads.sort_by(|(one, _), (other, _)| one.cmp(other));
        UsageSample {
            at: self.shared.clock.nanos(),
            deliveries: self.shared.deliveries(),
            server: self.shared.plan.pid.and_then(process::cpu),
            threads,
        }
    }

    /// Waits for the threads, once the last phase has begun, and returns their results.
    pub(crate) fn join(self) -> Result<(Vec<ViewersResult>, PublisherResult), BenchError> {
        let publishers = self.publisher.join().unwrap_or(Err(BenchError::Thread));
        let viewers = self.viewers.into_iter().map(|thread| thread.join().unwrap_or(Err(BenchError::Thread)));
        let viewers: Result<_, _> = viewers.collect();
        Ok((viewers?, publishers?))
    }
}

/// Returns the viewers of a thread: its part of the first ones, and of the join storm.
fn shares(shared: &RunState, thread: u32) -> (Range<u32>, Range<u32>) {
    let plan = &shared.plan;
    let share = |of: u32, thread: u32| {
        let end = u64::from(of) * u64::from(thread) / u64::from(plan.threads);
        u32::try_from(end).expect("a share of the viewers is no more than all")
    };
    let range = |of, offset| share(of, thread) + offset..share(of, thread + 1) + offset;
    (range(plan.viewers, 0), range(plan.joins.unwrap_or(0), plan.viewers))
}
