//! Joins from one address of a room with a state that changes, by clients that read less than the least pace: the
//! memory of replays that are hardly read. Must not know how a server counts them.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use super::changing::ChangingState;
use super::{Made, Plan};
use crate::hostile::memory::ServerLoad;
use crate::hostile::sources::ONE;
use crate::load::peer::{Peer, PeerError, V2};
use crate::steps::Failure;

/// The number of joins at full scale, and the least number.
const JOINS: u64 = 700;
const JOINS_MIN: u64 = 16;

/// The state: 128 KiB, which the least pace allows for 64 s, in frames that are short enough for no stall.
const KEYS: u64 = 64;
const VALUE_BYTES: usize = 2 * 1024;
const PACE: Duration = Duration::from_secs(64);

/// The time between two changes: each state is another one after four seconds.
const BEAT: Duration = Duration::from_millis(60);

/// The time between two joins of the address.
const TURN: Duration = Duration::from_millis(11);

/// The bytes that a client reads, and how often: less than 2 048 bytes a second. The server closes it by that pace, or
/// before, when the system has taken none of its bytes for the stall limit.
const SIP_BYTES: usize = 600;
const SIP: Duration = Duration::from_millis(500);

/// The most time for which the server keeps one besides, and the stay of one in a short attack.
const MARGIN: Duration = Duration::from_secs(10);
const STAY_SHORT: Duration = Duration::from_secs(3);

/// The most bytes that one address was sent and has not taken.
const PENDING_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The only code that is right. Mostly a client that hardly reads has not read so far when the server closes.
const LAGGED: u16 = 4008;

const STATE: ChangingState = ChangingState { keys: KEYS, value_bytes: VALUE_BYTES, beat: BEAT };

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let failed = |error: PeerError| Failure::new(format!("the owner of the room: {error}"));
    let (mut owner, room) = STATE.open(&plan).await.map_err(failed)?;
    let count = plan.share(JOINS).max(JOINS_MIN);
    let stay = plan.either(plan.stall + PACE + MARGIN, STAY_SHORT);
    let join = async {
        let (mut tasks, mut turns) = (JoinSet::new(), interval(TURN));
        for _ in 0..count {
            turns.tick().await;
            tasks.spawn(read_slowly(plan.clone(), room.clone(), stay));
        }
        let mut made = Made::default();
        while let Some(one) = tasks.join_next().await {
            made.add(one.map_err(|error| Failure::new(format!("one that trickles: {error}")))?);
        }
        Ok(made)
    };
    let mut said = 0;
    let mut made = tokio::select! {
        made = join => made,
        spoken = STATE.change(&mut owner, &mut said) => match spoken {
            Ok(()) => Err(Failure::new("the owner of the room stopped")),
            Err(error) => Err(failed(error)),
        },
    }?;
    owner.say(r#"{"type":"close"}"#).await.map_err(|error| failed(error.into()))?;
    let left = made.times("left");
    if plan.either(left, 0) > 0 {
        made.faults.push(format!("{left} were kept for over {stay:?}"));
    }
    // The bytes of replays, and of the room's own state and history in both protocols.
    let state = VALUE_BYTES as u64 * KEYS;
    let pending = (count * state).min(PENDING_BYTES_MAX + state);
    let kept = 2 * (state + 1024 * 1024);
    let lagging = count.min(PENDING_BYTES_MAX / state);
    made.load = ServerLoad {
        connections: count,
        rooms: 1,
        replays: lagging,
        lagging,
        pinned_bytes: pending + kept,
        ..ServerLoad::default()
    };
    Ok(made)
}

/// Joins, and reads a little now and then until the server closes.
async fn read_slowly(plan: Plan, room: String, stay: Duration) -> Made {
    let mut made = Made { count: 1, ..Made::default() };
    let joined = async {
        let mut peer = Peer::open_narrow_from(ONE.of(0), plan.address, V2).await?;
        peer.say(&format!(r#"{{"type":"join","id":"a","room":"{room}"}}"#)).await?;
        Ok::<_, PeerError>(peer)
    };
    let mut peer = match joined.await {
        Ok(peer) => peer,
        Err(PeerError::Refused(line)) if line.contains("429") => {
            made.answer("429");
            return made;
        }
        Err(error) => {
            made.faults.push(format!("a join: {error}"));
            return made;
        }
    };
    let (began, mut sips, mut is_refused) = (Instant::now(), interval(SIP), false);
    let mut each = |_, payload: &[u8]| is_refused |= payload.starts_with(br#"{"type":"error""#);
    while began.elapsed() < stay {
        sips.tick().await;
        match timeout(SIP, peer.read(SIP_BYTES, &mut each)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                match error {
                    PeerError::Closed(LAGGED) => made.answer(LAGGED.to_string()),
                    PeerError::Cut | PeerError::Io(_) => made.answer("cut"),
                    other => made.faults.push(format!("one that trickles: {other}")),
                }
                *made.answers.entry("seconds in all".into()).or_insert(0) += began.elapsed().as_secs();
                return made;
            }
            // A refused one gets nothing more.
            Err(_) => break,
        }
    }
    made.answer(if is_refused { "rate" } else { "left" });
    made
}
