//! Joins of a room with a big state that changes all the time, by clients that read nothing: the memory that a replay
//! pins. Must not know how a server keeps it.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use super::changing::ChangingState;
use super::{Made, Plan};
use crate::hostile::memory::ServerLoad;
use crate::hostile::sources::FEW;
use crate::load::peer::{Peer, PeerError, V2};
use crate::steps::Failure;

/// The number of joins at full scale.
const JOINS: u64 = 1_000;

/// The state: a little less than a room may hold.
const KEYS: u64 = 100;
const VALUE_BYTES: usize = 10_000;

/// The time between two changes.
const BEAT: Duration = Duration::from_millis(50);

/// The time between two joins of one address; the gate lets a hundred in.
const TURN: Duration = Duration::from_millis(2);

/// The most time for which the server keeps one beyond its own limit: the close frame has a second, the end two.
const MARGIN: Duration = Duration::from_secs(5);

const STATE: ChangingState = ChangingState { keys: KEYS, value_bytes: VALUE_BYTES, beat: BEAT };

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let failed = |error: PeerError| Failure::new(format!("the owner of the big room: {error}"));
    let (mut owner, room) = STATE.open(&plan).await.map_err(failed)?;
    let count = plan.share(JOINS);
    let kept = plan.stall + MARGIN;
    let mut tasks = JoinSet::new();
    let mut turns = interval(TURN);
    let join = async {
        for number in 0..count {
            turns.tick().await;
            tasks.spawn(read_nothing(plan.clone(), number, room.clone(), kept));
        }
        let mut made = Made::default();
        while let Some(one) = tasks.join_next().await {
            made.add(one.map_err(|error| Failure::new(format!("one that reads nothing: {error}")))?);
        }
        Ok(made)
    };
    let mut said = 0;
    let mut made = tokio::select! {
        made = join => made,
        spoken = STATE.change(&mut owner, &mut said) => match spoken {
            Ok(()) => Err(Failure::new("the owner of the big room stopped")),
            Err(error) => Err(failed(error)),
        },
    }?;
    owner.say(r#"{"type":"close"}"#).await.map_err(|error| failed(error.into()))?;
    // The state, the messages published while the first of them was kept, and the history; each in both protocols.
    let bytes = VALUE_BYTES as u64 * (KEYS + said + 256);
    made.load =
        ServerLoad { connections: count, rooms: 1, pinned_bytes: bytes * 2, replays: count, ..ServerLoad::default() };
    Ok(made)
}

/// Returns whether an answer says, in either protocol, that the address has used its replay budget.
fn is_refusal(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.contains(r#""code":"rate""#) || text.contains(r#""text":"unavailable""#)
}

/// Joins, reads nothing while the server may keep it, and then checks that the connection has ended.
async fn read_nothing(plan: Plan, number: u64, room: String, kept: Duration) -> Made {
    let mut made = Made { count: 1, ..Made::default() };
    let is_new = number.is_multiple_of(2);
    let joined = async {
        let mut peer = Peer::open_narrow_from(FEW.of(number), plan.address, if is_new { V2 } else { None }).await?;
        let join = if is_new {
            format!(r#"{{"type":"join","id":"a","room":"{room}"}}"#)
        } else {
            format!(r#"{{"uuid":"{room}","status":{{"value":2}}}}"#)
        };
        peer.say(&join).await?;
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
    sleep(kept).await;
    // Bytes in the kernel are read at once; after them comes the end or nothing.
    let mut is_refused = false;
    let end = timeout(MARGIN, async {
        loop {
            if let Err(error) = peer.hear(|text| is_refused |= is_refusal(text)).await {
                return error;
            }
        }
    });
    let end = end.await;
    if is_refused {
        // Its address has used its budget: it has no room, and the whole time for one.
        made.answer("refused: its address had its share");
        return made;
    }
    match end {
        Ok(PeerError::Closed(4008)) => made.answer("4008"),
        Ok(PeerError::Cut | PeerError::Io(_)) => made.answer("cut"),
        Ok(other) => made.faults.push(format!("one that reads nothing: {other}")),
        Err(_) => made.faults.push("one that reads nothing was kept".into()),
    }
    made
}
