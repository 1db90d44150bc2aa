//! The backlog of one viewer. Must not know sockets.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use rtbroadcaster_core::backlog::{Backlog, Frame, Hold, Replay};
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::message::{Change, Entry};
use rtbroadcaster_core::protocol::v2;
use rtbroadcaster_core::wire::encode;

use super::sample;
use rtbroadcaster_parts::Part;

pub(crate) const PARTS: &[Part] = &[
    Part::new("push_and_take_64_events", || push_and_take(Change::Event, 64, 1)),
    Part::new("push_256_values_of_64_keys_and_take_the_newest", || push_and_take(Change::State, 256, 64)),
    Part::new("lose_what_is_over_the_limit", lose),
    Part::new("take_a_replay_of_64_values", replay),
];

/// The number of frames that a client task takes at once.
const FRAMES_MAX: usize = 64;
const BYTES_MAX: usize = 32 * 1024;

/// Queues `messages` messages, then takes all of them.
fn push_and_take(change: Change, messages: u64, keys: u64) -> Box<dyn FnMut()> {
    let frames = frames(change, messages, keys);
    let mut taken = Vec::new();
    Box::new(move || {
        let mut backlog = Backlog::new(&v2::DIALECT, Seq::ZERO);
        for frame in &frames {
            backlog.push(frame.clone(), sample::NOW, usize::MAX).expect("there is no limit");
        }
        take_all(&mut backlog, &mut taken);
    })
}

/// Passes the byte limit, so that the queued messages are lost.
fn lose() -> Box<dyn FnMut()> {
    let frames = frames(Change::Event, 64, 1);
    let limit = frames.iter().skip(1).map(|frame| frame.bytes.len()).sum();
    Box::new(move || {
        let mut backlog = Backlog::new(&v2::DIALECT, Seq::ZERO);
        for frame in &frames {
            backlog.push(frame.clone(), sample::NOW, limit).expect("this protocol can tell of it");
        }
        assert!(backlog.wants_state());
    })
}

/// A viewer joins, and the state is taken.
fn replay() -> Box<dyn FnMut()> {
    let entries: Arc<[_]> = entries(Change::State, 64, 64).into_iter().map(Arc::new).collect();
    let announcement = encode::text(br#"{"type":"joined"}"#);
    let seq = entries.last().and_then(|entry| entry.seq).expect("they have numbers");
    let mut taken = Vec::new();
    Box::new(move || {
        let mut backlog = Backlog::new(&v2::DIALECT, Seq::ZERO);
        backlog.replay(Replay {
            announcement: announcement.clone(),
            entries: Arc::clone(&entries),
            seq,
            hold: Hold::default(),
        });
        take_all(&mut backlog, &mut taken);
    })
}

fn take_all(backlog: &mut Backlog, taken: &mut Vec<Bytes>) {
    while !backlog.is_empty() {
        taken.clear();
        backlog.take(taken, FRAMES_MAX, BYTES_MAX, sample::NOW);
        backlog.advance(black_box(&*taken).iter().map(Bytes::len).sum());
    }
}

fn frames(change: Change, messages: u64, keys: u64) -> Vec<Frame> {
    let frame = |entry: &Entry| Frame::of(entry, &v2::DIALECT).expect("it has words for every message");
    entries(change, messages, keys).iter().map(frame).collect()
}

fn entries(change: Change, messages: u64, keys: u64) -> Vec<Entry> {
    let params = sample::params(sample::BYTES);
    (1..=messages).map(|seq| sample::entry(seq, sample::key(seq, keys), params.clone(), change)).collect()
}
