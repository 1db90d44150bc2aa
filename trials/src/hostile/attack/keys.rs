//! Rooms whose keys are control characters, each of which takes six bytes in a frame, and joins of them from one address.
//! Must not know how a server counts.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{Made, Plan};
use crate::hostile::memory::ServerLoad;
use crate::hostile::sources::{MANY, ONE};
use crate::load::peer::{Peer, PeerError, V2};
use crate::steps::Failure;

/// The number of rooms at full scale, and the least number of joins of them: more than one address gets at once.
const ROOMS: u64 = 40;
const JOINS: u64 = 120;
const JOINS_MIN: u64 = 50;

/// The number of keys published in a room: more than fit into its state, and fewer refusals than close a connection.
const KEYS: u32 = 740;

/// The characters of a key; each takes six bytes in JSON.
const KEY_CHARACTERS: u32 = 256;

/// The replay budget of one address, at once and in a second.
const SAVED_BYTES: u64 = 10 * RATE_BYTES;
const RATE_BYTES: u64 = 4 * 1024 * 1024;

/// The most that a room keeps by default: its state, and of its history 256 messages, in both protocols, with the
/// overhead of each.
const KEPT_BYTES: u64 = 2 * (1024 + 256 * 2) * 1024 + 512 * (1_024 + 256);

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let (count, mut made, mut full) = (plan.share(ROOMS), Made::default(), Vec::new());
    for number in 0..count {
        let opened = timeout(PATIENCE, open(&plan, number, &mut made)).await;
        let opened = opened.map_err(|_| Failure::new(format!("a room is not full after {PATIENCE:?}")))?;
        full.push(opened.map_err(|error| Failure::new(format!("an owner of the full rooms: {error}")))?);
    }
    let (began, mut heard, mut largest) = (Instant::now(), 0, 0);
    for number in 0..plan.share(JOINS).max(JOINS_MIN) {
        let room = &full[usize::try_from(number % count).unwrap_or(0)];
        match timeout(PATIENCE, join(&plan, room, number)).await {
            Ok(Ok(Some(bytes))) => {
                made.answer("replayed");
                heard += bytes;
                largest = largest.max(bytes);
            }
            Ok(Ok(None)) => made.answer("rate"),
            // A fast server has answered a hundred handshakes of this address in the second.
            Ok(Err(PeerError::Refused(status))) if status.contains("429") => made.answer("handshake refused"),
            Ok(Err(error)) => made.faults.push(format!("a join: {error}")),
            Err(_) => made.faults.push(format!("a join takes over {PATIENCE:?}")),
        }
        made.count += 1;
    }
    // A frame has some members besides, which the 128 bytes of each message cover.
    let most = SAVED_BYTES + RATE_BYTES * (began.elapsed().as_secs() + 1) + largest;
    made.answers.insert("replayed, KiB".into(), heard / 1024);
    made.answers.insert("the largest replay, KiB".into(), largest / 1024);
    if heard > most {
        made.faults.push(format!("one address got {heard} bytes, of {most} that it may get"));
    }
    if made.times("rate") == 0 {
        made.faults.push("none of the joins was one too many".into());
    }
    for room in &mut full {
        let close = room.owner.say(r#"{"type":"close"}"#).await;
        close.map_err(|error| Failure::new(format!("an owner of the full rooms: {error}")))?;
    }
    made.load = ServerLoad {
        connections: 2 * count,
        rooms: count,
        replays: 1,
        pinned_bytes: count * KEPT_BYTES,
        ..ServerLoad::default()
    };
    Ok(made)
}

/// A room whose state is full of such keys.
struct FullRoom {
    owner: Peer,
    name: String,
    keys: u32,
}

async fn open(plan: &Plan, number: u64, made: &mut Made) -> Result<FullRoom, PeerError> {
    let mut owner = Peer::open_from(MANY.of(number), plan.address, V2).await?;
    owner.say(r#"{"type":"create","id":"a"}"#).await?;
    let answer = owner.answer().await?;
    let room = answer.split_once(r#""room":""#).and_then(|(_, rest)| rest.split('"').next());
    let name = room.ok_or_else(|| PeerError::Answer(answer.clone()))?.to_owned();
    for number in 0..KEYS {
        // Three characters of each key distinguish it from all others.
        let key: String = (0..KEY_CHARACTERS).map(|at| escape(if at < 3 { number >> (4 * at) } else { 1 })).collect();
        owner.say(&format!(r#"{{"type":"publish","id":"{number}","key":"{key}","params":[],"state":true}}"#)).await?;
    }
    let mut keys = 0;
    for _ in 0..KEYS {
        let answer = owner.answer().await?;
        if answer.starts_with(r#"{"type":"ack""#) {
            keys += 1;
        } else if !answer.contains("state_full") {
            return Err(PeerError::Answer(answer));
        }
    }
    *made.answers.entry("keys".into()).or_insert(0) += u64::from(keys);
    if keys == KEYS {
        return Err(PeerError::Answer(format!("{KEYS} keys of {KEY_CHARACTERS} control characters fit into a state")));
    }
    Ok(FullRoom { owner, name, keys })
}

/// Returns the JSON of one of the 16 control characters without a short form.
fn escape(number: u32) -> String {
    format!("\\u001{:x}", number % 16)
}

/// Joins and reads the whole state. Returns its bytes, or none if the address has to wait.
async fn join(plan: &Plan, room: &FullRoom, number: u64) -> Result<Option<u64>, PeerError> {
    let is_new = !number.is_multiple_of(4);
    let mut peer = Peer::open_from(ONE.of(0), plan.address, if is_new { V2 } else { None }).await?;
    if is_new {
        peer.say(&format!(r#"{{"type":"join","id":"a","room":"{}"}}"#, room.name)).await?;
    } else {
        peer.say(&format!(r#"{{"uuid":"{}","status":{{"value":2}}}}"#, room.name)).await?;
    }
    let answer = peer.answer().await?;
    if answer.contains(r#""code":"rate""#) || answer.contains(r#""text":"unavailable""#) {
        return Ok(None);
    }
    let (mut bytes, mut keys) = (0, 0);
    while keys < room.keys {
        let text = |text: &[u8]| (bytes, keys) = (bytes + text.len() as u64, keys + u32::from(is_value(text)));
        peer.hear(text).await?;
    }
    Ok(Some(bytes))
}

/// Returns whether a text is one of the values, in either protocol.
fn is_value(text: &[u8]) -> bool {
    text.starts_with(br#"{"type":"message""#) || text.windows(9).any(|window| window == br#""funcKey""#)
}
