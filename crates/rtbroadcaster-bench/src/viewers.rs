//! A thread of viewers: lets them join as fast as the server admits them, then counts their messages.
//! Must not know when messages are due.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::{Events, Poll, Token};

use crate::age_histograms::AgeHistograms;
use crate::delivery_tracker::{DeliveryCounts, DeliveryOrder};
use crate::failure::BenchError;
use crate::latency;
use crate::message::{self, PROBE};
use crate::message_kind::MessageKind;
use crate::plan::{Protocol, ReadMode};
use crate::room::{RunPhase, RunState, Schedule};
use crate::viewer_connection::{ReadOutcome, Stage, ViewerConnection};

/// The most concurrent joins of a thread: enough that the server never waits for it, and no more than the server's
/// listen backlog holds.
const JOINING_MAX: u32 = 128;

/// The time without a successful join, while joins are under way, after which the server counts as silent.
const SILENCE: Duration = Duration::from_secs(10);

/// The longest wait for an event.
const LOOK: Duration = Duration::from_millis(20);

/// The size of the read buffer, which all viewers of a thread share: small enough to stay in the cache.
const READ_BYTES: usize = 256 * 1024;

/// The result of a thread of viewers.
pub(crate) struct ViewersResult {
    pub(crate) counts: DeliveryCounts,
    /// The ages of messages when viewers received them.
    pub(crate) ages: AgeHistograms,
    /// The times from the first byte to the answer to the join, in nanoseconds; of the join storm if there is one.
    pub(crate) joins: Histogram<u64>,
    /// When the first of these joins began and the last one succeeded, if there were any.
    pub(crate) join_time: Option<Range<u64>>,
    /// The number of ended connections of reading viewers, by code.
    pub(crate) closes: BTreeMap<u16, u64>,
    /// Messages that arrived or are not expected any more, since a later one arrived.
    passed: u64,
    /// Whether the present read brought a message to the last viewer of its room.
    completes: bool,
}

impl ViewersResult {
    /// Returns an empty result.
    pub(crate) fn new() -> Self {
        Self {
            counts: DeliveryCounts::default(),
            ages: AgeHistograms::new(),
            joins: latency::histogram(),
            join_time: None,
            closes: BTreeMap::new(),
            passed: 0,
            completes: false,
        }
    }
}

/// A thread of viewers.
struct ViewerThread<'a> {
    shared: &'a RunState,
    address: SocketAddr,
    poll: Poll,
    clients: Vec<ViewerConnection>,
    /// The number of joins that are under way.
    joining: u32,
    buffer: Box<[u8]>,
    result: ViewersResult,
}

/// Runs the thread of the viewers with these numbers until the last phase.
pub(crate) fn run(
    shared: &RunState,
    address: SocketAddr,
    thread: usize,
    first: Range<u32>,
    storm: Range<u32>,
) -> Result<ViewersResult, BenchError> {
    let result = ViewersResult::new();
    let buffer = vec![0; READ_BYTES + 2 * shared.plan.size as usize].into();
    let poll = Poll::new().map_err(BenchError::System)?;
    let mut viewers = ViewerThread { shared, address, poll, clients: Vec::new(), joining: 0, buffer, result };
    let mut events = Events::with_capacity(1_024);
    let mut coming = first.chain(storm.clone());
    let is_there = |viewer: &u32, phase: RunPhase| !storm.contains(viewer) || phase == RunPhase::Storm;
    let mut next = coming.next();
    let mut last_join = Instant::now();
    loop {
        let phase = shared.phase();
        while let Some(viewer) = next.filter(|viewer| viewers.joining < JOINING_MAX && is_there(viewer, phase)) {
            viewers.connect(viewer)?;
            next = coming.next();
            if viewers.joining == 1 {
                last_join = Instant::now();
            }
        }
        match viewers.poll.poll(&mut events, Some(LOOK)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            polled => polled.map_err(BenchError::System)?,
        }
        // Checked after the poll: an event at the end of the rooms is no fault.
        if shared.phase() == RunPhase::End {
            return Ok(viewers.end());
        }
        let before = viewers.joining;
        for event in &events {
            viewers.handle(event)?;
        }
        shared.delivered[thread].store(viewers.result.counts.received, Ordering::Relaxed);
        shared.passed[thread].store(viewers.result.passed, Ordering::Relaxed);
        if viewers.joining < before {
            last_join = Instant::now();
        }
        if viewers.joining > 0 && last_join.elapsed() > SILENCE {
            return Err(viewers.silent());
        }
    }
}

impl ViewerThread<'_> {
    fn connect(&mut self, viewer: u32) -> Result<(), BenchError> {
        let assignment = self.shared.plan.assignment(viewer);
        let began = self.shared.clock.nanos();
        let token = Token(self.clients.len());
        let kind = self.shared.plan.kind;
        let client = ViewerConnection::connect(self.address, assignment, kind, began, self.poll.registry(), token);
        self.clients.push(client.map_err(|error| BenchError::of_connection(error, self.address))?);
        self.joining += 1;
        Ok(())
    }

    fn handle(&mut self, event: &mio::event::Event) -> Result<(), BenchError> {
        let Self { shared, clients, buffer, result, .. } = self;
        let plan = &shared.plan;
        let client = &mut clients[event.token().0];
        if client.stage == Stage::Gone {
            return Ok(());
        }
        if client.stage == Stage::Connecting {
            client.connected(plan).map_err(|error| BenchError::of_connection(error, self.address))?;
        }
        if client.stage == Stage::Connecting || !(event.is_readable() || event.is_read_closed()) {
            return Ok(());
        }
        let joining = match client.stage {
            Stage::Upgrading => plan.protocol.joining(&shared.rooms[client.assignment.room as usize].name),
            _ => None,
        };
        // One clock reading for all messages of a read.
        let now = shared.clock.nanos();
        let schedule = shared.schedule.get();
        let before = result.counts.received;
        let take = |client: &mut ViewerConnection, text: &[u8]| take(client, text, now, schedule, shared, result);
        let outcome = client.read(buffer, event.is_read_closed(), plan.protocol, joining.as_deref(), take)?;
        let is_measured = schedule.is_some_and(|schedule| now >= schedule.measured_from);
        if is_measured
            && result.counts.received > before
            && let Some(last) = client.received_at.replace(now)
        {
            result.ages.passes.saturating_record(now - last);
        }
        // Only after all messages of the read are counted: if the publisher refilled the window in the middle, chance
        // would decide how many messages the server gets at once, and that decides what a delivery costs.
        if std::mem::take(&mut result.completes) {
            shared.mark_ready(client.assignment.room);
        }
        match outcome {
            ReadOutcome::Open => {}
            ReadOutcome::Joined => self.joined(event.token().0).map_err(BenchError::System)?,
            ReadOutcome::Closed(_) if !client.reads() => {}
            ReadOutcome::Closed(code) => *result.closes.entry(code).or_default() += 1,
        }
        Ok(())
    }

    fn joined(&mut self, number: usize) -> std::io::Result<()> {
        let Self { shared, result, poll, .. } = self;
        let client = &mut self.clients[number];
        self.joining -= 1;
        if shared.plan.joins.is_none() || shared.phase() == RunPhase::Storm {
            let now = shared.clock.nanos();
            result.joins.saturating_record(now - client.began);
            let start = result.join_time.as_ref().map_or(client.began, |time| time.start.min(client.began));
            result.join_time = Some(start..now);
        }
        shared.joined.fetch_add(1, Ordering::Release);
        if client.assignment.read_mode == ReadMode::Stalls { client.stall(poll.registry()) } else { Ok(()) }
    }

    /// Returns the failure of a server that lets no viewer join any more.
    fn silent(&self) -> BenchError {
        let protocol = self.shared.plan.protocol;
        let what = match self.clients.iter().map(|client| client.stage).find(|&stage| stage < Stage::Joined) {
            Some(Stage::Connecting) => "connect",
            Some(Stage::Upgrading) => "upgrade",
            _ => "join a room",
        };
        BenchError::Silent { what, protocol }
    }

    /// Adds the missing messages to the counts, and returns the result.
    fn end(mut self) -> ViewersResult {
        if self.shared.schedule.get().is_some() {
            for client in self.clients.iter().filter(|client| client.reads()) {
                let sent = self.shared.rooms[client.assignment.room as usize].sent();
                self.result.counts += client.tracker.close(sent, self.shared.plan.kind);
            }
        }
        self.result
    }
}

/// Handles a text that a viewer received.
fn take(
    client: &mut ViewerConnection,
    text: &[u8],
    now: u64,
    schedule: Option<&Schedule>,
    shared: &RunState,
    result: &mut ViewersResult,
) {
    // Other texts are ignored: frames about owners, heartbeats, and holes, which the numbers show too.
    let Some((number_of_room, number)) = message::read(text) else { return };
    if number == PROBE && shared.plan.protocol == Protocol::Relay {
        if !std::mem::replace(&mut client.is_probed, true) {
            shared.probed.fetch_add(1, Ordering::Release);
        }
        return;
    }
    let room = &shared.rooms[client.assignment.room as usize];
    let Some(schedule) = schedule.filter(|_| number_of_room == client.assignment.room && number < room.sent()) else {
        result.counts.unknown += 1;
        return;
    };
    match client.tracker.record(number) {
        DeliveryOrder::Newest(passed) => {
            let started = room.started(number, schedule.start);
            if started >= schedule.measured_from {
                let kind = MessageKind::of(shared.plan.kind, number);
                result.ages.of(kind).saturating_record(now.saturating_sub(started));
            }
            result.counts.received += 1;
            result.passed += u64::from(passed.end - passed.start);
            result.completes |= room.pass(passed);
        }
        DeliveryOrder::OutOfOrder => {
            result.counts.received += 1;
            result.counts.out_of_order += 1;
        }
        DeliveryOrder::Repeated => result.counts.repeated += 1,
    }
}
