//! A thread of viewers: lets them join as fast as the server admits them, then counts their messages.
//! Must not know when messages are due.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::{Events, Poll, Token};

use crate::ages::Ages;
use crate::client::{Client, Outcome, Stage};
use crate::failure::Failure;
use crate::latency;
use crate::ledger::{Arrival, Counts};
use crate::message::{self, PROBE};
use crate::part::Part;
use crate::plan::{Protocol, Role};
use crate::room::{Phase, Schedule, Shared};

/// The most concurrent joins of a thread: enough that the server never waits for it, and no more than the server's
/// listen backlog holds.
const JOINING_MAX: u32 = 128;

/// How long joins may be under way without a success until the server counts as silent.
const SILENCE: Duration = Duration::from_secs(10);

/// The longest wait for an event.
const LOOK: Duration = Duration::from_millis(20);

/// The size of the read buffer, which all viewers of a thread share: small enough to stay in the cache.
const READ_BYTES: usize = 256 * 1024;

/// The result of a thread of viewers.
pub(crate) struct Heard {
    pub(crate) counts: Counts,
    /// The ages of messages when viewers received them.
    pub(crate) ages: Ages,
    /// The times from the first byte to the answer to the join, in nanoseconds; of the join storm if there is one.
    pub(crate) joins: Histogram<u64>,
    /// When the first of these joins began and the last one succeeded, if there were any.
    pub(crate) join_time: Option<Range<u64>>,
    /// How many connections of reading viewers ended, by code.
    pub(crate) closes: BTreeMap<u16, u64>,
    /// Messages that arrived or are not expected any more, since a later one arrived.
    passed: u64,
    /// Whether the present read brought a message to the last viewer of its room.
    completes: bool,
}

impl Heard {
    /// Returns an empty result.
    pub(crate) fn new() -> Self {
        Self {
            counts: Counts::default(),
            ages: Ages::new(),
            joins: latency::histogram(),
            join_time: None,
            closes: BTreeMap::new(),
            passed: 0,
            completes: false,
        }
    }
}

/// A thread of viewers.
struct Viewers<'a> {
    shared: &'a Shared,
    address: SocketAddr,
    poll: Poll,
    clients: Vec<Client>,
    /// How many joins are under way.
    joining: u32,
    buffer: Box<[u8]>,
    heard: Heard,
}

/// Runs the thread of the viewers with these numbers until the last phase.
pub(crate) fn run(
    shared: &Shared,
    address: SocketAddr,
    thread: usize,
    first: Range<u32>,
    storm: Range<u32>,
) -> Result<Heard, Failure> {
    let heard = Heard::new();
    let buffer = vec![0; READ_BYTES + 2 * shared.plan.size as usize].into();
    let poll = Poll::new().map_err(Failure::System)?;
    let mut viewers = Viewers { shared, address, poll, clients: Vec::new(), joining: 0, buffer, heard };
    let mut events = Events::with_capacity(1_024);
    let mut coming = first.chain(storm.clone());
    let is_there = |viewer: &u32, phase: Phase| !storm.contains(viewer) || phase == Phase::Storm;
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
            polled => polled.map_err(Failure::System)?,
        }
        // Checked after the poll: an event at the end of the rooms is no fault.
        if shared.phase() == Phase::End {
            return Ok(viewers.end());
        }
        let before = viewers.joining;
        for event in &events {
            viewers.handle(event)?;
        }
        shared.delivered[thread].store(viewers.heard.counts.received, Ordering::Relaxed);
        shared.passed[thread].store(viewers.heard.passed, Ordering::Relaxed);
        if viewers.joining < before {
            last_join = Instant::now();
        }
        if viewers.joining > 0 && last_join.elapsed() > SILENCE {
            return Err(viewers.silent());
        }
    }
}

impl Viewers<'_> {
    fn connect(&mut self, viewer: u32) -> Result<(), Failure> {
        let place = self.shared.plan.place(viewer);
        let began = self.shared.clock.nanos();
        let token = Token(self.clients.len());
        let kind = self.shared.plan.kind;
        let client = Client::connect(self.address, place, kind, began, self.poll.registry(), token);
        self.clients.push(client.map_err(|error| Failure::of_connection(error, self.address))?);
        self.joining += 1;
        Ok(())
    }

    fn handle(&mut self, event: &mio::event::Event) -> Result<(), Failure> {
        let Self { shared, clients, buffer, heard, .. } = self;
        let plan = &shared.plan;
        let client = &mut clients[event.token().0];
        if client.stage == Stage::Gone {
            return Ok(());
        }
        if client.stage == Stage::Connecting {
            client.connected(plan).map_err(|error| Failure::of_connection(error, self.address))?;
        }
        if client.stage == Stage::Connecting || !(event.is_readable() || event.is_read_closed()) {
            return Ok(());
        }
        let joining = match client.stage {
            Stage::Upgrading => plan.protocol.joining(&shared.rooms[client.place.room as usize].name),
            _ => None,
        };
        // One clock reading for all messages of a read.
        let now = shared.clock.nanos();
        let schedule = shared.schedule.get();
        let before = heard.counts.received;
        let take = |client: &mut Client, text: &[u8]| take(client, text, now, schedule, shared, heard);
        let outcome = client.read(buffer, event.is_read_closed(), plan.protocol, joining.as_deref(), take)?;
        let is_measured = schedule.is_some_and(|schedule| now >= schedule.measured_from);
        if is_measured
            && heard.counts.received > before
            && let Some(last) = client.heard.replace(now)
        {
            heard.ages.passes.saturating_record(now - last);
        }
        // Only after all messages of the read are counted: if the publisher refilled the window in the middle, chance
        // would decide how many messages the server gets at once, and that decides what a delivery costs.
        if std::mem::take(&mut heard.completes) {
            shared.is_ready(client.place.room);
        }
        match outcome {
            Outcome::Goes => {}
            Outcome::Joined => self.joined(event.token().0).map_err(Failure::System)?,
            Outcome::Closed(_) if !client.reads() => {}
            Outcome::Closed(code) => *heard.closes.entry(code).or_default() += 1,
        }
        Ok(())
    }

    fn joined(&mut self, number: usize) -> std::io::Result<()> {
        let Self { shared, heard, poll, .. } = self;
        let client = &mut self.clients[number];
        self.joining -= 1;
        if shared.plan.joins.is_none() || shared.phase() == Phase::Storm {
            let now = shared.clock.nanos();
            heard.joins.saturating_record(now - client.began);
            let start = heard.join_time.as_ref().map_or(client.began, |time| time.start.min(client.began));
            heard.join_time = Some(start..now);
        }
        shared.joined.fetch_add(1, Ordering::Release);
        if client.place.role == Role::Stalls { client.stall(poll.registry()) } else { Ok(()) }
    }

    /// Returns the failure of a server that lets no viewer join any more.
    fn silent(&self) -> Failure {
        let protocol = self.shared.plan.protocol;
        let what = match self.clients.iter().map(|client| client.stage).find(|&stage| stage < Stage::Joined) {
            Some(Stage::Connecting) => "connect",
            Some(Stage::Upgrading) => "upgrade",
            _ => "join a room",
        };
        Failure::Silent { what, protocol }
    }

    /// Adds the missing messages to the counts, and returns the result.
    fn end(mut self) -> Heard {
        if self.shared.schedule.get().is_some() {
            for client in self.clients.iter().filter(|client| client.reads()) {
                let said = self.shared.rooms[client.place.room as usize].said();
                self.heard.counts += client.ledger.close(said, self.shared.plan.kind);
            }
        }
        self.heard
    }
}

/// Handles a text that a viewer received.
fn take(client: &mut Client, text: &[u8], now: u64, schedule: Option<&Schedule>, shared: &Shared, heard: &mut Heard) {
    // Other texts are ignored: frames about owners, heartbeats, and holes, which the numbers show too.
    let Some((number_of_room, number)) = message::read(text) else { return };
    if number == PROBE && shared.plan.protocol == Protocol::Relay {
        if !std::mem::replace(&mut client.is_probed, true) {
            shared.probed.fetch_add(1, Ordering::Release);
        }
        return;
    }
    let room = &shared.rooms[client.place.room as usize];
    let Some(schedule) = schedule.filter(|_| number_of_room == client.place.room && number < room.said()) else {
        heard.counts.unknown += 1;
        return;
    };
    match client.ledger.enter(number) {
        Arrival::Newest(passed) => {
            let started = room.started(number, schedule.start);
            if started >= schedule.measured_from {
                let part = Part::of(shared.plan.kind, number);
                heard.ages.of(part).saturating_record(now.saturating_sub(started));
            }
            heard.counts.received += 1;
            heard.passed += u64::from(passed.end - passed.start);
            heard.completes |= room.pass(passed);
        }
        Arrival::OutOfOrder => {
            heard.counts.received += 1;
            heard.counts.out_of_order += 1;
        }
        Arrival::Repeated => heard.counts.repeated += 1,
    }
}
