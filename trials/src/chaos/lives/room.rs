//! One room over the lives of several servers: its owner and its viewers, each on a thread, from the first join to the
//! end. Must not know when a server ends.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::ServerLives;
use super::owner::{Cues, OwnerOutcome, Times, speak};
use super::tally::LivesTally;
use super::viewer::{Return, Viewer, ViewerShared};
use crate::chaos::patience::{missing, wait_until};
use crate::chaos::speaker::SharedRecord;
use crate::load::{CpuShare, Stretch, on_a_thread, outcome};
use crate::model::Model;
use crate::model::fault::{Fault, Faults};
use crate::model::sum::FinalSums;
use crate::random::Random;
use crate::steps::Failure;

/// The most time of joining, coming back, and catching up each.
const PATIENCE: Duration = Duration::from_secs(60);

/// The time between the first joins of two viewers.
const ARRIVAL: Duration = Duration::from_millis(1);

/// The first random stream of the viewers, and of the last viewers.
const VIEWERS: u64 = 1 << 32;
const AUDITORS: u64 = 1 << 33;

/// The parameters of a room.
#[derive(Debug, Clone)]
pub(in crate::chaos) struct Plan {
    pub(in crate::chaos) seed: u64,
    pub(in crate::chaos) viewers: u32,
    /// The messages a second.
    pub(in crate::chaos) rate: u32,
    pub(in crate::chaos) returns: Return,
    /// The time until a viewer whose connection was refused tries again, in milliseconds.
    pub(in crate::chaos) retry_ms: Range<u64>,
    /// Whether the ages of messages are measured.
    pub(in crate::chaos) is_timed: bool,
    /// The most time of all of it.
    pub(in crate::chaos) limit: Duration,
}

/// A room that is open.
pub(in crate::chaos) struct Room {
    plan: Plan,
    shared: ViewerShared,
    owner: JoinHandle<Result<OwnerOutcome, Failure>>,
    viewers: JoinHandle<Result<(Vec<Viewer>, CpuShare), Failure>>,
    begin: Option<oneshot::Sender<()>>,
    finish: watch::Sender<bool>,
    all_said: mpsc::Receiver<()>,
    calm: watch::Sender<bool>,
    end: oneshot::Sender<()>,
    over: watch::Sender<bool>,
    faults: Faults,
}

/// The outcome of a room.
#[derive(Debug)]
pub(in crate::chaos) struct RoomOutcome {
    pub(in crate::chaos) sum: FinalSums,
    pub(in crate::chaos) tally: LivesTally,
    pub(in crate::chaos) spoken: OwnerOutcome,
    /// The faults of all clients.
    pub(in crate::chaos) faults: Faults,
    /// The number of the last message that was acknowledged.
    pub(in crate::chaos) acked: u64,
    /// The number of messages that arrived unchanged at the last viewer, which joins at the end and asks for all of
    /// them. Where the history does not hold all: the number that arrived at any viewer.
    pub(in crate::chaos) audited: u64,
    /// The share of a core that the viewers' thread took.
    pub(in crate::chaos) busy: CpuShare,
}

impl Room {
    /// Opens the room, and lets its viewers join.
    pub(in crate::chaos) fn open(lives: &ServerLives, plan: Plan) -> Result<Self, Failure> {
        let (opened, record) = mpsc::channel();
        let (begin, begun) = oneshot::channel();
        let (finish, finished) = watch::channel(false);
        let (said, all_said) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let cues = Cues { opened, begin: begun, finish: finished, all_said: said, end: ended };
        let (times, speech) = (Times::default(), (plan.seed, plan.rate));
        let (theirs, said_at) = (lives.clone(), times.clone());
        let owner = on_a_thread(plan.limit, move || speak(theirs, speech, said_at, cues));
        let Ok(record) = record.recv_timeout(PATIENCE) else {
            return Err(outcome(owner).err().unwrap_or_else(|| Failure::new("the owner opened no room")));
        };
        let (calm, calms) = watch::channel(false);
        let (over, overs) = watch::channel(false);
        let shared = ViewerShared {
            lives: lives.clone(),
            record,
            returns: plan.returns,
            retry_ms: plan.retry_ms.clone(),
            times: plan.is_timed.then_some(times),
            calm: calms,
            over: overs,
            joined: Arc::default(),
            back: Arc::default(),
            caught_up: Arc::default(),
        };
        let viewer = |number| {
            let random = Random::new(plan.seed, VIEWERS | u64::from(number));
            Viewer::new(shared.clone(), random, Model::default())
        };
        let viewers: Vec<_> = (0..plan.viewers).map(viewer).collect();
        let viewers = on_a_thread(plan.limit, move || hear(viewers));
        let faults = Faults::default();
        Ok(Self { plan, shared, owner, viewers, begin: Some(begin), finish, all_said, calm, end, over, faults })
    }

    pub(in crate::chaos) fn record(&self) -> &SharedRecord {
        &self.shared.record
    }

    /// Waits until all viewers have joined.
    pub(in crate::chaos) fn joined(&self) -> Result<(), Failure> {
        match missing(PATIENCE, &self.shared.joined, self.plan.viewers) {
            0 => Ok(()),
            missing => Err(Failure::new(format!("{missing} viewers did not join within {PATIENCE:?}"))),
        }
    }

    /// Waits until all viewers have come back.
    pub(in crate::chaos) fn await_back(&mut self) {
        let missing = missing(PATIENCE, &self.shared.back, self.plan.viewers);
        if missing > 0 {
            self.faults.note(Fault::Late, || format!("{missing} viewers were not back within {PATIENCE:?}"));
        }
    }

    /// Lets the owner publish.
    pub(in crate::chaos) fn begin(&mut self) {
        // A thread that has ended reports why when it is joined.
        let _ = self.begin.take().map(|begin| begin.send(()));
    }

    /// Ends the owner once all its messages are acknowledged, and the viewers once they have them.
    pub(in crate::chaos) fn finish(self) -> Result<RoomOutcome, Failure> {
        let Self { plan, shared, owner, viewers, finish, all_said, calm, end, over, mut faults, .. } = self;
        finish.send_replace(true);
        let _ = all_said.recv();
        calm.send_replace(true);
        let (counted, record) = (Arc::clone(&shared.caught_up), shared.record.clone());
        let auditors = auditors(plan.seed, &shared);
        drop(shared);
        let wanted = (plan.viewers as usize + auditors.len()).try_into().unwrap_or(u32::MAX);
        let auditors = on_a_thread(plan.limit, move || hear(auditors));
        let missing = missing(PATIENCE, &counted, wanted);
        if missing > 0 {
            faults.note(Fault::Late, || format!("{missing} viewers did not catch up within {PATIENCE:?}"));
        }
        let _ = end.send(());
        let of = |who| move |failure| Failure::new(format!("{who}: {failure}"));
        let spoken = outcome(owner).map_err(of("the owner"))?;
        wait_until(PATIENCE, || viewers.is_finished() && auditors.is_finished());
        // Each viewer that is still connected reports what it waits for.
        over.send_replace(true);
        let (viewers, busy) = outcome(viewers).map_err(of("the viewers"))?;
        let (auditors, _) = outcome(auditors).map_err(of("the last viewer"))?;
        let record = record.read();
        let sum = FinalSums::of(viewers.iter().map(|viewer| &viewer.model), &record);
        let mut tally = LivesTally::default();
        viewers.iter().for_each(|viewer| tally.add(&viewer.tally));
        let heard = if record.history_messages.is_none() { &auditors } else { &viewers };
        let all: HashSet<u64> = heard.iter().flat_map(|viewer| viewer.model.ledger().came()).collect();
        let models = auditors.iter().map(|auditor| &auditor.model);
        [&spoken.faults, &sum.faults]
            .into_iter()
            .chain(models.map(|model| &model.faults))
            .for_each(|theirs| faults.add(theirs));
        let audited = (all.len() as u64).saturating_sub(faults.count(Fault::OtherBytes));
        Ok(RoomOutcome { sum, tally, spoken, faults, acked: record.acked, audited, busy })
    }
}

/// Returns the last viewers, which join after the last message with an empty state. Where the history is limited, the
/// first has all but the history's messages, and the second one message less.
fn auditors(seed: u64, shared: &ViewerShared) -> Vec<Viewer> {
    let record = shared.record.read();
    let models = match record.history_messages {
        None => vec![Model::from_the_first()],
        Some(messages) => {
            let known = record.last().saturating_sub(messages);
            [known, known.saturating_sub(1)].map(|seq| Model::from(seq, &record)).into()
        }
    };
    let viewer = |(number, model)| Viewer::new(shared.clone(), Random::new(seed, AUDITORS | number), model);
    (0..).zip(models).map(viewer).collect()
}

/// Runs all of these until the room has ended.
async fn hear(comers: Vec<Viewer>) -> Result<(Vec<Viewer>, CpuShare), Failure> {
    let stretch = Stretch::begin()?;
    let mut tasks = JoinSet::new();
    for (number, viewer) in (0..).zip(comers) {
        tasks.spawn(viewer.run(ARRIVAL * number));
    }
    let mut viewers = Vec::new();
    while let Some(viewer) = tasks.join_next().await {
        viewers.push(viewer.map_err(|error| Failure::new(format!("a viewer: {error}")))?);
    }
    Ok((viewers, stretch.end()?))
}
