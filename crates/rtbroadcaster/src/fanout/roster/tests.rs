//! What waits for a lane under more than it can carry.

use super::*;
use crate::id::{RoomId, Seq};
use crate::message::{Change, Key, Params};

/// A message of a speaker who says an event after every 49 values of 16 keys.
fn message(number: u64) -> Item {
    let (key, change) = match number % 50 {
        49 => ("event".into(), Change::Event),
        _ => (format!("key {}", number % 16), Change::State),
    };
    let (key, seq) = (Key::new(&key).unwrap(), Seq::new(number + 1));
    let entry = Entry::new(RoomId::random(), seq, Term::FIRST, key, Params::NONE, change);
    Item::Message { entry: Arc::new(entry), applied: Duration::ZERO, charge: None }
}

/// What a lane takes for one call.
fn take(inbox: &mut Inbox) -> Vec<u64> {
    let mut taken = Vec::new();
    while taken.len() < PASS_FRAMES_MAX {
        match inbox.items.pop().map(|waiting| waiting.item) {
            Some(Item::Message { entry, .. }) => taken.push(entry.seq.unwrap().get() - 1),
            Some(_) => {}
            None => {
                inbox.catch_up();
                break;
            }
        }
    }
    taken
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
fn who_comes_stays_between_what_was_said_before_and_after() {
    let mut inbox = Inbox::default();
    for number in 0..64 {
        drop(inbox.push(message(number), false));
    }
    drop(inbox.push(Item::Owner(OwnerStatus::Away, Term::FIRST), false));
    drop(inbox.push(message(64), false));
    let is_message = |waiting: Waiting| matches!(waiting.item, Item::Message { .. });
    let waiting: Vec<_> = std::mem::take(&mut inbox.items).into_iter().map(is_message).collect();
    assert_eq!(waiting.iter().position(|is_message| !is_message), Some(waiting.len() - 2), "{waiting:?}");
}
