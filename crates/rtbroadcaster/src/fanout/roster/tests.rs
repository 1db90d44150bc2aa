//! What waits for a lane under more than it can carry.

use std::time::Duration;

use rtbroadcaster_core::id::{RoomId, Seq, Term};
use rtbroadcaster_core::message::{Change, Entry, Key, Params};
use rtbroadcaster_core::protocol::Notice;
use rtbroadcaster_core::standing::OwnerStatus;

use super::*;
use crate::fault;
use crate::metrics::Counters;
use crate::os_random::OsRandom;

/// Returns a message of an owner that publishes an event after every 49 values of 16 keys.
fn message(number: u64) -> Item {
    let (key, change) = match number % 50 {
        49 => ("event".into(), Change::Event),
        _ => (format!("key {}", number % 16), Change::State),
    };
    let (key, seq) = (Key::new(&key).unwrap(), Seq::new(number + 1));
    let entry = Entry::new(RoomId::random(&OsRandom), seq, Term::FIRST, key, Params::NONE, change);
    Item::message(Arc::new(entry), Duration::ZERO, None)
}

/// One of many pointers, each of which says where it is.
fn pointer(number: u64) -> Item {
    let key = Key::new(&format!("pointer {number}")).unwrap();
    let entry = Entry::new(RoomId::random(&OsRandom), None, Term::FIRST, key, Params::NONE, Change::Ephemeral);
    Item::message(Arc::new(entry), Duration::ZERO, None)
}

/// What a lane takes for one call.
fn take(inbox: &mut Inbox) -> Vec<u64> {
    let mut taken = Vec::new();
    while taken.len() < PASS_FRAMES_MAX {
        match inbox.items.pop().map(|queued| queued.item) {
            Some(item) => taken.extend(item.entry().map(|entry| entry.seq.unwrap().get() - 1)),
            None => {
                inbox.catch_up();
                break;
            }
        }
    }
    taken
}

impl Roster {
    /// What holds the lock of the roster panics.
    pub(in crate::fanout) fn panic_under_its_lock(&self) {
        let panicked = fault::catch("a test", &Counters::idle(), || {
            let _inbox = self.inbox.lock().unwrap();
            panic!("a test wants this");
        });
        panicked.unwrap_err();
    }
}

#[test]
fn at_ten_times_what_a_lane_can_carry_each_pass_brings_the_newest_values_and_all_events() {
    let mut inbox = Inbox::default();
    let (mut said, mut events) = (0, Vec::new());
    for pass in 0..100 {
        // Ten times as many as go out with one call.
        let until = said + 640;
        (said..until).for_each(|number| drop(inbox.push(message(number), false)));
        said = until;
        assert!(inbox.items.len() <= 16 + 13, "{} wait in pass {pass}", inbox.items.len());
        let taken = take(&mut inbox);
        assert!(taken.is_sorted(), "{taken:?}");
        let (new_events, values): (Vec<_>, Vec<_>) = taken.into_iter().partition(|number| number % 50 == 49);
        events.extend(new_events);
        // The newest value of a key is one of the last 32 messages: one in 50 is an event instead.
        assert!(values.len() == 16 && values[0] + 32 >= said, "{values:?} of {said}");
    }
    assert_eq!(events, (49..said).step_by(50).collect::<Vec<_>>());
}

#[test]
fn what_goes_out_with_one_call_is_not_superseded() {
    let mut inbox = Inbox::default();
    for number in 0..64 {
        assert!(inbox.push(message(number), false).is_empty());
    }
    assert_eq!(take(&mut inbox), (0..64).collect::<Vec<_>>());
    assert!(take(&mut inbox).is_empty() && !inbox.is_behind);
}

#[test]
fn what_is_ephemeral_goes_before_anything_else_waits_for_a_second_call() {
    let mut inbox = Inbox::default();
    let keys = |inbox: &Inbox| -> Vec<String> {
        let key = |queued: &QueuedItem| queued.item.entry().map(|entry| entry.key.as_str().to_owned());
        inbox.items.iter().filter_map(key).filter(|key| key.starts_with("pointer")).collect()
    };
    // Values that all count, and pointers among them.
    for number in 0..40 {
        drop(inbox.push(message(50 * number + 49), false));
        assert_eq!(inbox.push(pointer(number), false).len(), usize::from(number >= 32), "the oldest one goes");
    }
    let newest: Vec<_> = (16..40).map(|number| format!("pointer {number}")).collect();
    assert_eq!((inbox.items.len(), keys(&inbox)), (64, newest));
    for number in 40..80 {
        let dropped = inbox.push(message(50 * number + 49), false);
        assert_eq!(dropped.len(), usize::from(number < 64), "{number}");
    }
    assert!(keys(&inbox).is_empty());
    assert_eq!(inbox.push(pointer(40), false).len(), 1, "there is no place for it");
    let events: Vec<_> = [take(&mut inbox), take(&mut inbox)].concat();
    assert_eq!(events, (0..80).map(|number| 50 * number + 49).collect::<Vec<_>>(), "all events in order");
    assert!(take(&mut inbox).is_empty());
    assert!(inbox.push(pointer(41), false).is_empty());
    assert_eq!(keys(&inbox), ["pointer 41"]);
}

#[test]
fn who_comes_stays_between_what_was_said_before_and_after() {
    let mut inbox = Inbox::default();
    for number in 0..64 {
        drop(inbox.push(message(number), false));
    }
    drop(inbox.push(
        Item::notice(Notice::Owner { status: OwnerStatus::Away, term: Term::FIRST, away: Duration::ZERO, epoch: None }),
        false,
    ));
    drop(inbox.push(message(64), false));
    let is_message = |queued: QueuedItem| queued.item.entry().is_some();
    let queued: Vec<_> = std::mem::take(&mut inbox.items).into_iter().map(is_message).collect();
    assert_eq!(queued.iter().position(|is_message| !is_message), Some(queued.len() - 2), "{queued:?}");
}
