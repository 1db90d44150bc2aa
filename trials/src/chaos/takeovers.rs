//! One room that is taken over again and again while its owner publishes, now and then as a stopped process with full
//! buffers: nothing of an older term arrives after a newer one. Must not know how frames are made.

mod owner_handle;
mod owner_record;
mod report;
mod speech;
mod witness;

use std::net::SocketAddr;
use std::sync::mpsc as blocking;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Given;
use crate::load::frame::{Opcode, masked};
use crate::load::peer::{Peer, PeerError, V2, code};
use crate::load::server::Server;
use crate::load::{on_a_thread, outcome, process, release};
use crate::model::Meaning;
use crate::model::fault::Fault;
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use owner_handle::OwnerHandle;
pub(crate) use owner_handle::be_an_owner;
use owner_record::{BecameOwner, OwnerOrder, OwnerRecord, OwnerStart};
use report::Findings;
use witness::{RoomTexts, TermWitness};

/// Enough for a viewer of this program that is slower than an owner that publishes all it can.
const FLAGS: [&str; 2] = ["--backlog-bytes-max", "67108864"];

/// The number of viewers.
const WITNESSES: usize = 5;

/// One takeover in so many meets an owner that is a stopped process.
const STOPPED_IN: u32 = 8;

/// One takeover in so many is requested twice at the same moment.
const DOUBLE_IN: u64 = 20;

/// One process in so many is stopped for longer than the server waits for an end.
const LONG_STOP_IN: u64 = 10;

/// The most time of everything besides the takeovers.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most time of a takeover on average; the run fails when all together take longer.
const TAKEOVER: Duration = Duration::from_millis(200);

/// The flags of this scenario.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// takeovers: how many takeovers
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    takeovers: u32,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
    takeovers: u32,
}

/// The outcome of the owners.
#[derive(Debug, Default)]
struct OwnersOutcome {
    owners: Vec<OwnerRecord>,
    /// The terms of the stopped owners.
    stopped: Vec<u64>,
    /// How often two were requested at the same moment.
    doubles: u64,
    /// The time of each takeover, from the request on.
    micros: Vec<u128>,
    /// From the first takeover to the last.
    time: Duration,
}

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        vec![Self { seed: given.seed, takeovers: options.takeovers }]
    }

    fn run(self, _: &mut Steps) -> Result<Report, Failure> {
        measure(self).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan) -> Result<Findings, Failure> {
    let server = Server::start(&release("rtbroadcaster"), &FLAGS)?;
    let address = server.address();
    let limit = TAKEOVER * plan.takeovers + PATIENCE;
    let (opened, room) = blocking::channel();
    let (joined, all_joined) = oneshot::channel();
    let process = server.process();
    let owners = on_a_thread(limit, move || succeed(address, process, plan, opened, all_joined));
    let Ok(room) = room.recv_timeout(PATIENCE) else {
        return Err(outcome(owners).err().unwrap_or_else(|| Failure::new("the owner opened no room")));
    };
    let witnesses = on_a_thread(limit, move || watch(address, room, joined));
    let past = outcome(owners)?;
    let (witnesses, chronicle) = outcome(witnesses)?;
    server.stop()?;
    Ok(Findings::new(plan, past, witnesses, &chronicle))
}

/// Runs all owners, one after the other.
async fn succeed(
    address: SocketAddr,
    server: u32,
    plan: Plan,
    opened: blocking::Sender<String>,
    joined: oneshot::Receiver<()>,
) -> Result<OwnersOutcome, Failure> {
    let mut random = Random::new(plan.seed, 0);
    let failed = |error: PeerError| Failure::new(format!("an owner: {error}"));
    let peer = Peer::open_as(address, V2).await.map_err(failed)?;
    let mut handle = OwnerHandle::in_this_process(peer, OwnerStart::Create, random.next());
    let BecameOwner { room, key, .. } = handle.became_owner().await?;
    let _ = opened.send(room.clone());
    joined.await.map_err(|_| Failure::new("the viewers did not join"))?;
    handle.order(OwnerOrder::Speak);
    let start = OwnerStart::Own { room, key };
    let (mut past, mut ends) = (OwnersOutcome::default(), JoinSet::new());
    let begun = Instant::now();
    let mut takeover = 0;
    while takeover < plan.takeovers {
        // Connected before, so that the request follows at once.
        let peer = Peer::open_as(address, V2).await.map_err(failed)?;
        let is_double = random.one_in(DOUBLE_IN) && takeover + 2 < plan.takeovers;
        let second = if is_double { Some(Peer::open_as(address, V2).await.map_err(failed)?) } else { None };
        sleep(Duration::from_micros(random.within(0..12_000))).await;
        let (mut stop, mut is_server_stopped) = (None, false);
        if handle.is_process() {
            handle.order(OwnerOrder::Flood);
            sleep(Duration::from_micros(random.within(1_000..12_000))).await;
            is_server_stopped = random.one_in(2);
            if is_server_stopped {
                // The server reads nothing, so the owner fills all buffers before it is stopped itself.
                process::stop(server)?;
                sleep(Duration::from_micros(random.within(1_000..20_000))).await;
            }
            handle.stop()?;
            let is_long = random.one_in(LONG_STOP_IN);
            stop = Some(Duration::from_millis(if is_long { 2_500 } else { random.within(0..40) }));
        }
        let asked = Instant::now();
        takeover += 1;
        let is_process = takeover % STOPPED_IN == STOPPED_IN - 1 && takeover < plan.takeovers;
        let mut next = if is_process {
            OwnerHandle::in_its_own_process(address, start.clone(), random.next())?
        } else {
            OwnerHandle::in_this_process(peer, start.clone(), random.next())
        };
        let mut rival = None;
        if let Some(second) = second {
            takeover += 1;
            past.doubles += 1;
            rival = Some(OwnerHandle::in_this_process(second, start.clone(), random.next()));
        }
        if is_server_stopped {
            // The request is in the socket when the server continues.
            sleep(Duration::from_millis(1)).await;
            process::signal(server, "CONT")?;
        }
        let term = next.became_owner().await?.term;
        if !is_process && !is_server_stopped {
            past.micros.push(asked.elapsed().as_micros());
        }
        if let Some(mut rival) = rival {
            if rival.became_owner().await?.term > term {
                std::mem::swap(&mut rival, &mut next);
            }
            ends.spawn(end(rival, None));
        }
        ends.spawn(end(std::mem::replace(&mut handle, next), stop));
    }
    past.time = begun.elapsed();
    handle.order(OwnerOrder::Finish);
    ends.spawn(end(handle, None));
    while let Some(ended) = ends.join_next().await {
        let (owner, is_stopped) = ended.map_err(|error| Failure::new(format!("an owner: {error}")))??;
        if is_stopped {
            past.stopped.push(owner.term);
        }
        past.owners.push(owner);
    }
    Ok(past)
}

/// Ends an owner. Returns also whether it was stopped.
async fn end(handle: OwnerHandle, stop: Option<Duration>) -> Result<(OwnerRecord, bool), Failure> {
    Ok((handle.end(stop).await?, stop.is_some()))
}

/// Runs all viewers until the room ends.
async fn watch(
    address: SocketAddr,
    room: String,
    joined: oneshot::Sender<()>,
) -> Result<(Vec<TermWitness>, RoomTexts), Failure> {
    let chronicle = Arc::new(Mutex::new(RoomTexts::default()));
    let failed = |error: PeerError| Failure::new(format!("a viewer: {error}"));
    let mut peers = Vec::new();
    for _ in 0..WITNESSES {
        let joined = async {
            let mut peer = Peer::open_as(address, V2).await?;
            peer.say(&format!(r#"{{"type":"join","id":"join","room":"{room}"}}"#)).await?;
            let answer = peer.answer().await?;
            Ok((peer, answer))
        };
        let (peer, answer) = joined.await.map_err(failed)?;
        let mut witness = TermWitness::default();
        witness.hear(answer.as_bytes(), &mut chronicle.lock().unwrap_or_else(PoisonError::into_inner));
        peers.push((peer, witness));
    }
    let _ = joined.send(());
    let mut tasks = JoinSet::new();
    for (peer, witness) in peers {
        tasks.spawn(listen(peer, witness, Arc::clone(&chronicle)));
    }
    let mut witnesses = Vec::new();
    while let Some(witness) = tasks.join_next().await {
        witnesses.push(witness.map_err(|error| Failure::new(format!("a viewer: {error}")))?);
    }
    let chronicle = std::mem::take(&mut *chronicle.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((witnesses, chronicle))
}

/// Runs one viewer until the room ends.
async fn listen(mut peer: Peer, mut witness: TermWitness, chronicle: Arc<Mutex<RoomTexts>>) -> TermWitness {
    let (mut word, mut end) = (None, None);
    while end.is_none() {
        let mut pongs = Vec::new();
        let mut each = |opcode, payload: &[u8]| match opcode {
            Opcode::Ping => pongs.extend(masked(Opcode::Pong, payload)),
            Opcode::Pong => {}
            Opcode::Close => end = Some(code(payload)),
            Opcode::Text => {
                let heard = witness.hear(payload, &mut chronicle.lock().unwrap_or_else(PoisonError::into_inner));
                if let Meaning::Closed(reason) = heard {
                    word = Some(reason);
                }
            }
        };
        let read = peer.read(usize::MAX, &mut each).await.map_err(|error| error.to_string());
        if let Err(why) = read.and_then(|_| peer.try_write(&pongs).map_err(|error| error.to_string())) {
            witness.faults.note(Fault::OddEnd, || why);
            return witness;
        }
    }
    if (word.as_deref(), end) != (Some("room_closed"), Some(4503)) {
        witness.faults.note(Fault::OddEnd, || format!("the server closed with {word:?}, {end:?}"));
    }
    witness
}
