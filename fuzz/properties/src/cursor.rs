//! The cursors of viewers, against section 2 of PROTOCOL.md: which are malformed, and how a room answers. Must not know
//! sockets.

use std::time::Duration;

use rtbroadcaster::{Config, Limit, RoomId, Seq};
use rtbroadcaster_core::id::{Epoch, Term};
use rtbroadcaster_core::message::{Change, DEPTH_MAX, Key, Params};
use rtbroadcaster_core::protocol::{Command, Request, v2};
use rtbroadcaster_core::room::core::{Core, Space};
use rtbroadcaster_core::room::log::Proposal;
use rtbroadcaster_core::standing::{How, ResetReason, Start};

use crate::members::{Member, Members, is_value, nesting};
use crate::message::place;

/// The epoch of the room's numbers.
const EPOCH: &str = "epoch";
/// The number of messages in the room, and of those in its history.
const MESSAGES: u64 = 10;
const HISTORY: u64 = 4;

/// Checks that `bytes`, the text of a `cursor`, are `malformed` exactly when PROTOCOL.md says so. A room answers
/// `resumed` exactly when it holds every message behind the cursor.
pub fn cursor(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let message = format!(r#"{{"type":"join","id":"a","room":"r","cursor":{text}}}"#);
    let Request { command, .. } = (v2::DIALECT.decode)(&message);
    if !is_value(text) {
        // White space around a cursor, or members behind it, are the work of the target `v2`.
        return;
    }
    let Ok(Command::Join { start, .. }) = command else {
        assert!(nesting(&message) > DEPTH_MAX, "a cursor never makes a message bad: {message}");
        return;
    };
    assert_eq!(place(&start), where_it_stands(text), "{text}");
    let mut room = room();
    let welcome = room.open().expect("it has not ended").join(&start, Duration::ZERO).expect("a room for it");
    let numbers: Vec<u64> = welcome.entries.iter().filter_map(|entry| entry.seq).map(Seq::get).collect();
    assert_eq!((welcome.how, numbers), answer(&start), "{text}");
    assert_eq!(welcome.standing.seq.get(), MESSAGES);
}

/// Returns the words for the position that a cursor names: exactly an epoch of at most 32 bytes and a whole number
/// written as one.
pub(crate) fn where_it_stands(text: &str) -> String {
    let place = || {
        let members = Members::read(text).filter(|members| members.len() == 2)?;
        let epoch = members.get("epoch").string().filter(|epoch| epoch.len() <= 32)?;
        let Member::Once(digits) = members.get("seq") else { return None };
        let seq = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok())??;
        (seq < 1 << 53).then(|| format!("{epoch:?} {seq}"))
    };
    place().unwrap_or_else(|| "malformed".into())
}

/// Returns what the room must answer: how, and with which messages.
fn answer(start: &Start) -> (How, Vec<u64>) {
    // The first and the last message are the newest of their keys.
    let state = vec![1, MESSAGES];
    let cursor = match start {
        Start::Fresh => return (How::Snapshot, state),
        Start::Malformed => return (How::Reset(ResetReason::Malformed), state),
        Start::After(cursor, _) => cursor,
    };
    let seq = cursor.seq.get();
    if cursor.epoch.as_str() != EPOCH {
        (How::Reset(ResetReason::Epoch), state)
    } else if seq > MESSAGES {
        (How::Reset(ResetReason::Future), state)
    } else if MESSAGES - seq > HISTORY {
        (How::Reset(ResetReason::Retention), state)
    } else {
        (How::Resumed, (seq + 1..=MESSAGES).collect())
    }
}

/// Returns a room with `MESSAGES` messages: a value of one key, then newer and newer values of another.
fn room() -> Core<()> {
    let config = Config { history_messages_max: Limit::Max(4), ..Config::default() };
    let room = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a".parse::<RoomId>().expect("the name of a room");
    let mut core = Core::new(room, Epoch::from_wire(EPOCH).expect("an epoch"), &config);
    for number in 1..=MESSAGES {
        let key = Key::new(if number == 1 { "first" } else { "other" }).expect("a key");
        let proposal = Proposal { term: Term::FIRST, key, params: Params::NONE, change: Change::State, id: None };
        core.open().expect("it has not ended").say(proposal, Space::Some, Duration::ZERO).expect("nothing forbids it");
    }
    core
}
