//! Voters that are cut, reload, open a second tab and outlive a killed server, and vote again each time: each is
//! counted once. Must not know how frames are made.
//!
//! The server's texts are read by their members alone, and not by the strict `answer`: only what they say of viewers is
//! judged here.

mod owner;
mod report;
mod voter;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::Given;
use super::lives::{Keeping, ServerSuccession};
use super::restarts::{ServerEnd, begun, ended};
use crate::load::peer::PeerError;
use crate::load::{on_a_thread, outcome};
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::steps::{Failure, Steps};
use owner::Owner;
use report::Findings;
use voter::{Voter, VoterTurn};

/// The number of answers to choose from.
const CHOICES: u64 = 6;

/// One round in so many kills the server.
const KILL_IN: u32 = 5;

/// The most time until a vote is in the totals, and the time to wait for a total that is too great.
const TOLD: Duration = Duration::from_secs(3);

/// The least time of a round: the tabs of a voter share the signals that a viewer may send in a second.
const ROUND: Duration = Duration::from_secs(1);

/// The number of voters that act at the same time.
const AT_ONCE: usize = 50;

/// The most time of everything.
const LIMIT: Duration = Duration::from_secs(600);

/// The number of voters of each answer.
type Totals = BTreeMap<String, u64>;

/// The options of this scenario.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Options {
    /// revotes: how many viewers vote
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=4_000))]
    revoters: u32,
    /// revotes: how often all of them vote
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    revote_rounds: u32,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    seed: u64,
    voters: u32,
    rounds: u32,
}

/// The outcome of a run.
#[derive(Debug, Default)]
struct Outcome {
    /// The number of times that each turn was taken.
    turns: BTreeMap<VoterTurn, u64>,
    kills: u32,
    /// The number of votes sent.
    votes: u64,
    /// Rounds whose totals were what the voters chose.
    exact: u32,
    /// The most votes that were counted beyond the number of voters, and the most missing, in one round.
    doubled: u64,
    missing: u64,
    /// How often a voter got another number than before.
    renumbered: u64,
    /// How often an answer named no viewer.
    unnamed: u64,
    /// Refusals, with the first one.
    refused: u64,
    refusal: Option<String>,
}

impl Scenario for Plan {
    type Options = Options;
    type Given = Given;

    fn plans(options: &Options, given: Given) -> Vec<Self> {
        vec![Self { seed: given.seed, voters: options.revoters, rounds: options.revote_rounds }]
    }

    fn run(self, _: &mut Steps) -> Result<Report, Failure> {
        measure(self).map(Report::from)
    }
}

/// Runs the plan.
fn measure(plan: Plan) -> Result<Findings, Failure> {
    let started = Instant::now();
    let lineage = ServerSuccession::begin("revotes", Keeping::default(), &mut Random::new(plan.seed, 0))?;
    let outcome = outcome(on_a_thread(LIMIT, move || play(plan, lineage)))?;
    Ok(Findings { plan, outcome, time: started.elapsed() })
}

async fn play(plan: Plan, mut lineage: ServerSuccession) -> Result<Outcome, Failure> {
    let address = lineage.lives().address();
    let mut owner = Owner::create(address).await.map_err(failed("the owner"))?;
    let mut outcome = Outcome::default();
    let mut voters: Vec<_> =
        (0..plan.voters).map(|number| Voter::new(Random::new(plan.seed, u64::from(number) + 1))).collect();
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for round in 0..plan.rounds {
        rounds.tick().await;
        let is_kill = round % KILL_IN == KILL_IN - 1;
        if is_kill {
            voters.iter_mut().for_each(Voter::lose);
            lineage = begun(ended(lineage, ServerEnd::Killed).await?).await?;
            owner = owner.return_to(address).await.map_err(failed("the owner"))?;
            outcome.kills += 1;
        }
        voters = act(voters, address, owner.room(), &mut outcome).await?;
        let chosen = voters.iter().fold(Totals::new(), |mut totals, voter| {
            *totals.entry(voter.choice()).or_default() += 1;
            totals
        });
        let told = owner.await_totals(&chosen, TOLD).await.map_err(failed("the owner"))?;
        let (counted, voters) = (told.values().sum::<u64>(), u64::from(plan.voters));
        outcome.exact += u32::from(told == chosen);
        outcome.doubled = outcome.doubled.max(counted.saturating_sub(voters));
        outcome.missing = outcome.missing.max(voters.saturating_sub(counted));
    }
    for voter in &voters {
        outcome.add(voter);
    }
    ended(lineage, ServerEnd::Stopped).await?;
    Ok(outcome)
}

/// Lets each voter take a turn, and then vote.
async fn act(
    voters: Vec<Voter>,
    address: SocketAddr,
    room: &str,
    outcome: &mut Outcome,
) -> Result<Vec<Voter>, Failure> {
    let (mut waiting, mut done) = (voters.into_iter(), Vec::new());
    let mut acting = JoinSet::new();
    loop {
        while acting.len() < AT_ONCE {
            let Some(voter) = waiting.next() else { break };
            acting.spawn(voter.act(address, room.to_owned()));
        }
        let Some(acted) = acting.join_next().await else { break };
        let (voter, turn) = acted.map_err(|error| Failure::new(error.to_string()))?.map_err(failed("a voter"))?;
        *outcome.turns.entry(turn).or_default() += 1;
        done.push(voter);
    }
    Ok(done)
}

fn failed(who: &str) -> impl Fn(PeerError) -> Failure {
    move |error| Failure::new(format!("{who}: {error}"))
}

impl Outcome {
    fn add(&mut self, voter: &Voter) {
        self.votes += voter.votes;
        self.renumbered += voter.renumbered;
        self.unnamed += voter.unnamed;
        self.refused += voter.refused.len() as u64;
        self.refusal = self.refusal.take().or_else(|| voter.refused.first().cloned());
    }
}
