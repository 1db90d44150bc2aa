//! Signals as fast as they can be written, single and counted: to the witnesses' owner, to one that gets totals, and to
//! one that reads nothing. Must not know how a server limits them.

pub(super) mod owners;
mod speech;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Made, Plan, crowd};
use crate::hostile::memory::ServerLoad;
use crate::hostile::sources::MANY;
use crate::load::peer::{Peer, PeerError, V2};
use crate::random::Random;
use crate::steps::Failure;
use owners::{COUNTED_KEYS, Counter, Deaf};

/// The number of signals at full scale, of viewers at once, and of a viewer's signals in one write: fewer than the
/// refusals that close a connection.
const SIGNALS: u64 = 1_000_000;
const AT_ONCE: u64 = 96;
const EACH: usize = 120;

/// The most viewers at once that read nothing.
const UNREAD_MAX: usize = 12;

/// The longest signal, and the bytes that a waiting refusal counts.
const SIGNAL_BYTES: u64 = 4_608;
const REFUSAL_BYTES: u64 = 260;

/// The most time of a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// The signals of one viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignalFlood {
    /// Counted ones, which are counted here too.
    Votes,
    /// Single ones, to the witnesses' owner.
    Singles,
    /// The same to an owner that reads nothing.
    Unheard,
    /// Borderline and wrong ones.
    Odd,
    /// Single ones, without reading a single refusal.
    Unread,
}

/// The parts that all viewers share.
struct Shared {
    plan: Plan,
    /// The rooms of the owner that gets totals, and of the one that reads nothing.
    counted_room: String,
    deaf_room: String,
    /// Limits the viewers that read nothing.
    unread: Arc<Semaphore>,
    /// The number of claps that were taken, and of viewers with at least one taken vote.
    claps: AtomicU64,
    voters: AtomicU64,
}

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let failed = |error: PeerError| Failure::new(format!("an owner of the attackers' rooms: {error}"));
    let (counter, counted_room) = Counter::open(plan.address).await.map_err(failed)?;
    let deaf = Deaf::open(plan.address).await.map_err(failed)?;
    let shared = Arc::new(Shared {
        plan: plan.clone(),
        counted_room,
        deaf_room: deaf.room().to_owned(),
        unread: Arc::new(Semaphore::new(UNREAD_MAX)),
        claps: AtomicU64::new(0),
        voters: AtomicU64::new(0),
    });
    let all = Arc::clone(&shared);
    let work = move |number: u64, random: Random| {
        let shared = Arc::clone(&all);
        async move {
            let mut random = random;
            let made = send_signals(&shared, number, &mut random).await;
            (made, random)
        }
    };
    let mut made = crowd(&plan, AT_ONCE, plan.share(SIGNALS), work).await?;
    let (claps, voters) = (shared.claps.load(Ordering::Relaxed), shared.voters.load(Ordering::Relaxed));
    let told = counter.end(claps, voters).await.map_err(failed)?;
    made.answers.insert("claps counted".into(), claps);
    made.answers.insert("totals".into(), told.frames);
    if (told.claps, told.voters) != (claps, voters) {
        made.faults
            .push(format!("of {claps} claps and {voters} voters the totals have {} and {}", told.claps, told.voters));
    }
    drop(deaf);
    made.load = ServerLoad {
        connections: AT_ONCE + 2,
        rooms: 2,
        // The owner that reads nothing is one more.
        lagging: UNREAD_MAX as u64 + 1,
        pinned_bytes: AT_ONCE * (EACH as u64 * REFUSAL_BYTES + 2 * SIGNAL_BYTES),
        counted_keys: COUNTED_KEYS,
        // Each is another viewer, whose choices stay when it has left.
        votes: made.count.div_ceil(EACH as u64) * COUNTED_KEYS,
        ..ServerLoad::default()
    };
    Ok(made)
}

/// One viewer joins, sends all its signals, and leaves.
async fn send_signals(shared: &Shared, number: u64, random: &mut Random) -> Made {
    let permit = Arc::clone(&shared.unread).try_acquire_owned();
    let flood = match number % 8 {
        0..=2 => SignalFlood::Votes,
        3 | 4 => SignalFlood::Singles,
        5 => SignalFlood::Unheard,
        7 if permit.is_ok() => SignalFlood::Unread,
        _ => SignalFlood::Odd,
    };
    let room = match flood {
        SignalFlood::Votes | SignalFlood::Odd => &shared.counted_room,
        SignalFlood::Singles | SignalFlood::Unread => &shared.plan.room,
        SignalFlood::Unheard => &shared.deaf_room,
    };
    let mut made = Made::default();
    let said = timeout(PATIENCE, async {
        let peer = join(shared, number, room, flood == SignalFlood::Unread).await?;
        if flood == SignalFlood::Unread {
            send_without_reading(peer, &speech::singles(EACH, random), &mut made).await;
            return Ok(());
        }
        converse(peer, shared, flood, random, &mut made).await
    });
    match said.await {
        Ok(Ok(())) => {}
        // The third in a row that makes no sense.
        Ok(Err(PeerError::Closed(4501))) if flood == SignalFlood::Odd => made.answer("4501"),
        Ok(Err(error)) => made.faults.push(format!("{flood:?}: {error}")),
        Err(_) => made.faults.push(format!("{flood:?}: a connection lasts over {PATIENCE:?}")),
    }
    made
}

async fn join(shared: &Shared, number: u64, room: &str, is_narrow: bool) -> Result<Peer, PeerError> {
    let (source, address) = (MANY.of(number), shared.plan.address);
    let mut peer = if is_narrow {
        Peer::open_narrow_from(source, address, V2).await?
    } else {
        Peer::open_from(source, address, V2).await?
    };
    peer.say(&format!(r#"{{"type":"join","id":"a","room":"{room}"}}"#)).await?;
    let answer = peer.answer().await?;
    if answer.starts_with(r#"{"type":"joined""#) { Ok(peer) } else { Err(PeerError::Answer(answer)) }
}

/// Sends everything and reads until the last request is answered.
async fn converse(
    mut peer: Peer,
    shared: &Shared,
    flood: SignalFlood,
    random: &mut Random,
    made: &mut Made,
) -> Result<(), PeerError> {
    let (bytes, claps) = match flood {
        SignalFlood::Votes => speech::votes(EACH, random),
        SignalFlood::Odd => (speech::odd(EACH, random), 0),
        SignalFlood::Singles | SignalFlood::Unheard | SignalFlood::Unread => (speech::singles(EACH, random), 0),
    };
    // The server may close before all is written, which shows when reading.
    let _ = peer.send(&bytes).await;
    let (mut heard, mut odd) = (speech::Refusals::default(), None);
    let mut end = Ok(());
    while end.is_ok() && !heard.is_over {
        let link = peer.hear(|text| {
            if !heard.hear(text) {
                odd.get_or_insert_with(|| String::from_utf8_lossy(text).into_owned());
            }
        });
        end = link.await.map(|_| ()).and_then(|()| odd.take().map_or(Ok(()), |odd| Err(PeerError::Answer(odd))));
    }
    // Of a viewer that was closed only the refused signals are known.
    made.count = if heard.is_over { EACH as u64 } else { heard.codes.values().sum() };
    for (code, count) in std::mem::take(&mut heard.codes) {
        *made.answers.entry(code).or_insert(0) += count;
    }
    end?;
    if flood == SignalFlood::Votes {
        shared.claps.fetch_add(claps - heard.claps, Ordering::Relaxed);
        shared.voters.fetch_add(u64::from(EACH as u64 - claps > heard.votes), Ordering::Relaxed);
    }
    if random.one_in(2) {
        peer.reset();
    }
    Ok(())
}

/// Sends the same again and again, reads nothing, and is closed.
async fn send_without_reading(mut peer: Peer, bytes: &[u8], made: &mut Made) {
    while peer.send(bytes).await.is_ok() {
        made.count += EACH as u64;
    }
    made.answer("thrown out");
}
