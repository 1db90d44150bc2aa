//! Thousands of viewers that each vote twice within a second: the owner gets a handful of frames, and the totals are
//! exact. Must not know how frames are made.

mod report;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Given;
use super::files;
use crate::load::peer::{Peer, PeerError, V2};
use crate::load::server::Server;
use crate::load::{CpuShare, Stretch, on_a_thread, outcome, release};
use crate::model::answer::Answer;
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use report::Findings;

/// The number of answers to choose from.
const CHOICES: u64 = 6;

/// The time in which every viewer votes twice, in milliseconds.
const VOTING_MS: std::ops::Range<u64> = 0..1_000;

/// The time between two totals, in milliseconds.
const EVERY_MS: u64 = 500;

/// The number of viewers that join at the same time.
const AT_ONCE: usize = 50;

/// The time for which the owner waits after the last votes.
const REST: Duration = Duration::from_secs(3);

/// The most time of everything.
const LIMIT: Duration = Duration::from_secs(180);

/// The flags of this scenario.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// votes: how many viewers vote; each needs an open file here and one in the server
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=18_000))]
    voters: u32,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
    voters: u32,
}

/// The number of voters of each answer.
type Totals = BTreeMap<String, u64>;

/// The frames of the owner.
#[derive(Debug, Default)]
struct TotalFrames {
    /// The times of the totals.
    at: Vec<Instant>,
    totals: Totals,
    /// Texts that are wrong here.
    odd: Vec<String>,
}

/// The record of the voters.
#[derive(Debug)]
struct Voted {
    /// The last choices.
    chosen: Totals,
    /// The times of the first vote and of the last one.
    began: Instant,
    ended: Instant,
    /// Texts that no voter should get.
    odd: Vec<String>,
    busy: CpuShare,
}

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        vec![Self { seed: given.seed, voters: options.voters }]
    }

    fn run(self, _: &mut Steps) -> Result<Report, Failure> {
        measure(self).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan) -> Result<Findings, Failure> {
    files::suffice_for(plan.voters)?;
    let server = Server::start(&release("rtbroadcaster"), &["--log", "warn"])?;
    let address = server.address();
    let (opened, room) = mpsc::channel();
    let (end, ended) = oneshot::channel();
    let owner = on_a_thread(LIMIT, move || hear(address, opened, ended));
    let Ok(room) = room.recv_timeout(LIMIT) else {
        return Err(outcome(owner).err().unwrap_or_else(|| Failure::new("the owner opened no room")));
    };
    let (joined, all_joined) = mpsc::channel();
    let (begin, begun) = oneshot::channel();
    let voters = on_a_thread(LIMIT, move || vote(address, plan, room, joined, begun));
    if all_joined.recv_timeout(LIMIT).is_err() {
        return Err(outcome(voters).err().unwrap_or_else(|| Failure::new("not all have joined")));
    }
    std::thread::sleep(REST);
    let before = server.sample()?;
    let _ = begin.send(());
    let voted = outcome(voters);
    let after = server.sample()?;
    let _ = end.send(());
    let told = outcome(owner)?;
    let voted = voted?;
    server.stop()?;
    Ok(Findings { plan, told, voted, before, after })
}

/// The owner: opens a room that counts votes, and records its frames.
async fn hear(
    address: SocketAddr,
    opened: mpsc::Sender<String>,
    mut ended: oneshot::Receiver<()>,
) -> Result<TotalFrames, Failure> {
    let heard = async {
        let mut peer = Peer::open_as(address, V2).await?;
        let count = format!(r#"{{"vote":{{"count":true,"everyMs":{EVERY_MS},"oncePerViewer":true}}}}"#);
        peer.say(&format!(r#"{{"type":"create","id":"create","signals":{count}}}"#)).await?;
        let text = peer.answer().await?;
        let Ok(Answer::Created(created)) = Answer::read(&text) else { return Err(PeerError::Answer(text)) };
        let _ = opened.send(created.room.into_owned());
        let mut told = TotalFrames::default();
        loop {
            tokio::select! {
                _ = &mut ended => return Ok(told),
                readable = peer.readable() => readable?,
            }
            peer.hear(|text| told.hear(text)).await?;
        }
    };
    heard.await.map_err(|error: PeerError| Failure::new(format!("the owner: {error}")))
}

impl TotalFrames {
    fn hear(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        match Answer::read(&text) {
            Ok(Answer::Counts(counts)) if counts.key == "vote" && counts.other.is_none() => {
                self.at.push(Instant::now());
                self.totals = counts.counts.iter().map(|(params, count)| (params.to_string(), *count)).collect();
            }
            Ok(Answer::Alive(_)) => {}
            Ok(Answer::Audience(audience)) if audience.lagging.is_some() => {}
            _ => self.odd.push(text.into_owned()),
        }
    }
}

/// All viewers join, some at a time; then each votes twice.
async fn vote(
    address: SocketAddr,
    plan: Plan,
    room: String,
    joined: mpsc::Sender<()>,
    begun: oneshot::Receiver<()>,
) -> Result<Voted, Failure> {
    let failed = |error: PeerError| Failure::new(format!("a voter: {error}"));
    let mut peers = Vec::new();
    while peers.len() < plan.voters as usize {
        let count = AT_ONCE.min(plan.voters as usize - peers.len());
        let joining: JoinSet<_> = (0..count).map(|_| join(address, room.clone())).collect();
        for peer in joining.join_all().await {
            peers.push(peer.map_err(failed)?);
        }
    }
    let _ = joined.send(());
    let _ = begun.await;
    let (stretch, began) = (Stretch::begin()?, Instant::now());
    let voting: JoinSet<_> =
        (0..).zip(peers).map(|(number, peer)| vote_twice(peer, Random::new(plan.seed, number))).collect();
    let (voting, mut peers) = (voting.join_all().await, Vec::new());
    let mut voted = Voted { chosen: Totals::new(), began, ended: began, odd: Vec::new(), busy: stretch.end()? };
    for vote in voting {
        let (peer, choice, ended) = vote.map_err(failed)?;
        *voted.chosen.entry(choice).or_default() += 1;
        voted.ended = voted.ended.max(ended);
        peers.push(peer);
    }
    // The owner's last window, and any texts to viewers that must get none.
    sleep(REST).await;
    for mut peer in peers {
        let odd = &mut voted.odd;
        let _ = timeout(Duration::ZERO, peer.hear(|text| odd.push(String::from_utf8_lossy(text).into_owned()))).await;
    }
    voted.odd.retain(|text| !matches!(Answer::read(text), Ok(Answer::Alive(_))));
    Ok(voted)
}

async fn join(address: SocketAddr, room: String) -> Result<Peer, PeerError> {
    let mut peer = Peer::open_as(address, V2).await?;
    peer.say(&format!(r#"{{"type":"join","id":"join","room":"{room}"}}"#)).await?;
    let text = peer.answer().await?;
    if matches!(Answer::read(&text), Ok(Answer::Joined(_))) { Ok(peer) } else { Err(PeerError::Answer(text)) }
}

/// Votes twice at random moments. Returns the last choice and its time.
async fn vote_twice(mut peer: Peer, mut random: Random) -> Result<(Peer, String, Instant), PeerError> {
    let mut moments = [random.within(VOTING_MS), random.within(VOTING_MS)];
    moments.sort_unstable();
    let (mut passed, mut choice) = (0, String::new());
    for moment in moments {
        sleep(Duration::from_millis(moment - passed)).await;
        passed = moment;
        choice = format!("[{}]", random.within(0..CHOICES));
        peer.say(&format!(r#"{{"type":"signal","key":"vote","params":{choice}}}"#)).await?;
    }
    Ok((peer, choice, Instant::now()))
}
