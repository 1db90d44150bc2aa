//! Viewers without end that vote, leave, and come back by their keys or as new viewers: how many choices a key
//! remembers, and that no viewer counts twice. Must not know how a server remembers them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::signals::owners::{COUNTED_KEYS, Counter};
use super::{Made, Plan, crowd};
use crate::hostile::memory::ServerLoad;
use crate::hostile::sources::MANY;
use crate::load::peer::{Peer, PeerError, V2};
use crate::random::Random;
use crate::steps::Failure;

/// The number of voters at full scale, and at once.
const VOTERS: u64 = 50_000;
const AT_ONCE: u64 = 96;

/// The number of choices that one key remembers by default: of two audiences.
const REMEMBERED_MAX: u64 = 2 * 20_000;

/// The keys that each votes for, as many as the signals that a viewer may send in a second.
const KEYS: [&str; 5] = ["vote", "k2", "k3", "k4", "k5"];

/// One in so many comes back by its key and votes again.
const BACK_ONE_IN: u64 = 4;

/// The most time of one, the wait after too many handshakes of its address, and the time until its signals are counted
/// from the start.
const PATIENCE: Duration = Duration::from_secs(20);
const AGAIN: Duration = Duration::from_millis(50);
const PACE: Duration = Duration::from_millis(1_100);

/// The outcome of one vote for the first key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vote {
    Counted,
    Full,
}

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let failed = |error: PeerError| Failure::new(format!("the owner of the attackers' room: {error}"));
    let (counter, room) = Counter::open(plan.address).await.map_err(failed)?;
    let (room, address, counted) = (Arc::<str>::from(room), plan.address, Arc::new(AtomicU64::new(0)));
    let all = Arc::clone(&counted);
    let work = move |number: u64, random: Random| {
        let (room, counted) = (Arc::clone(&room), Arc::clone(&all));
        async move {
            let (mut made, mut random) = (Made::default(), random);
            let comes_back = random.one_in(BACK_ONE_IN);
            let voted = timeout(PATIENCE, vote(address, number, &room, comes_back));
            match voted.await {
                Ok(Ok((first, again))) => {
                    made.count = 1;
                    made.answer(if first == Vote::Counted { "counted" } else { "unavailable" });
                    counted.fetch_add(u64::from(first == Vote::Counted), Ordering::Relaxed);
                    match again {
                        Some(again) if again == first => made.answer("came back"),
                        Some(again) => made.faults.push(format!("{first:?}, and with the same number {again:?}")),
                        None => {}
                    }
                }
                // The rate limit of the address: the voter counts when it got through.
                Ok(Err(PeerError::Refused(line))) if line.contains("429") => {
                    made.answer("429");
                    sleep(AGAIN).await;
                }
                Ok(Err(error)) => made.faults.push(format!("a voter: {error}")),
                Err(_) => made.faults.push(format!("a voter takes over {PATIENCE:?}")),
            }
            (made, random)
        }
    };
    let mut made = crowd(&plan, AT_ONCE, plan.share(VOTERS), work).await?;
    let counted = counted.load(Ordering::Relaxed);
    let told = counter.end(0, counted).await.map_err(failed)?;
    made.answers.insert("totals".into(), told.frames);
    if told.voters != counted {
        made.faults.push(format!("of {counted} voters the totals have {}", told.voters));
    }
    let expected = made.count.min(REMEMBERED_MAX);
    if counted != expected {
        made.faults.push(format!("of {} voters {counted} were counted, not {expected}", made.count));
    }
    made.load = ServerLoad {
        connections: AT_ONCE + 1,
        rooms: 1,
        counted_keys: COUNTED_KEYS,
        votes: expected * KEYS.len() as u64,
        ..ServerLoad::default()
    };
    Ok(made)
}

/// One viewer votes for all keys and leaves. It may come back by its key, from another address, and vote again. Returns
/// the outcome of its votes for the first key.
async fn vote(
    address: SocketAddr,
    number: u64,
    room: &str,
    comes_back: bool,
) -> Result<(Vote, Option<Vote>), PeerError> {
    let (mut peer, key) = join(address, number, room, None).await?;
    let first = say(&mut peer, number % 3).await?;
    peer.reset();
    if !comes_back {
        return Ok((first, None));
    }
    // Its signals within the second before count for its number.
    sleep(PACE).await;
    let (mut peer, again) = join(address, number + 1, room, Some(&key)).await?;
    if again != key {
        return Err(PeerError::Answer(format!("{key} became {again}")));
    }
    Ok((first, Some(say(&mut peer, number % 5).await?)))
}

/// Joins, with a key if there is one, and returns the key of `joined`.
async fn join(address: SocketAddr, number: u64, room: &str, key: Option<&str>) -> Result<(Peer, String), PeerError> {
    let mut peer = Peer::open_from(MANY.of(number), address, V2).await?;
    let shown = key.map(|key| format!(r#","viewer":"{key}""#)).unwrap_or_default();
    peer.say(&format!(r#"{{"type":"join","id":"a","room":"{room}"{shown}}}"#)).await?;
    let answer = peer.answer().await?;
    let viewer = answer.split_once(r#","viewer":{"number":"#);
    let key = viewer.and_then(|(_, rest)| rest.split_once(r#","key":""#)).and_then(|(_, rest)| rest.split('"').next());
    key.map(str::to_owned).map(|key| (peer, key)).ok_or(PeerError::Answer(answer.clone()))
}

/// Votes for all keys and waits until that is answered.
async fn say(peer: &mut Peer, choice: u64) -> Result<Vote, PeerError> {
    for key in KEYS {
        peer.say(&format!(r#"{{"type":"signal","id":"{key}","key":"{key}","params":[{choice}]}}"#)).await?;
    }
    peer.say(r#"{"type":"join","id":"last","room":""}"#).await?;
    let mut vote = Vote::Counted;
    loop {
        let answer = peer.answer().await?;
        let is_full = answer.contains(r#""code":"unavailable""#);
        if answer.contains(r#""id":"last""#) {
            return Ok(vote);
        } else if is_full && answer.contains(r#""id":"vote""#) {
            vote = Vote::Full;
        } else if !is_full && !answer.starts_with(r#"{"type":"audience""#) {
            return Err(PeerError::Answer(answer));
        }
    }
}
