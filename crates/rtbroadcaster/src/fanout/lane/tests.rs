//! When a lane comes to a roster.

use super::*;
use crate::clock::Clock;
use crate::fanout::roster::{Item, Parting, Roll, Work};
use crate::fanout::{Ending, Outbox};
use crate::id::{Seq, Term};
use crate::message::{Change, Dialect, Entry, Key, Params};
use crate::standing::OwnerStatus;

const INTERVAL: Duration = Duration::from_millis(50);

fn lane(interval: Duration) -> Arc<Lane> {
    Lane::new(interval, Clock::start(), &Counters::idle(), mpsc::unbounded_channel().0)
}

fn said() -> Item {
    Item::Owner(OwnerStatus::Live, Term::FIRST)
}

/// Nothing is ready yet, and it is after the interval.
async fn check_waits(lane: &Lane) -> Arc<Roster> {
    assert!(matches!(lane.pop(), Err(Some(_))));
    tokio::time::advance(INTERVAL).await;
    lane.pop().expect("the interval is over")
}

#[tokio::test(start_paused = true)]
async fn what_comes_during_a_pass_waits_for_more_as_what_came_before_it() {
    let lane = lane(INTERVAL);
    let roster = Roster::new(&lane, RoomId::random());
    roster.push(said());
    check_waits(&lane).await;
    assert!(matches!(roster.next(), Some(Work::Send(..))));
    roster.push(said());
    roster.rest(true);
    lane.pop().expect("the pass goes on at once");
    roster.rest(false);
    check_waits(&lane).await;
    assert!(matches!(roster.next(), Some(Work::Send(..))));
    roster.rest(false);
    assert!(matches!(lane.pop(), Err(None)), "nothing is left");
}

#[tokio::test(start_paused = true)]
async fn what_did_not_go_out_with_the_first_call_goes_out_with_the_next_one_at_once() {
    let lane = lane(INTERVAL);
    let roster = Roster::new(&lane, RoomId::random());
    (0..100).for_each(|_| roster.push(said()));
    check_waits(&lane).await;
    assert!(matches!(roster.next(), Some(Work::Send(..))));
    roster.rest(false);
    lane.pop().expect("the rest of a burst does not wait again");
}

static SILENT: Dialect = Dialect::MUTE;

fn admit() -> (Arc<Outbox>, Item) {
    let member = Outbox::new(None, &SILENT, Clock::start(), &Counters::idle(), &Config::default());
    (Arc::clone(&member), Item::Roll(Roll::Admit(member, Seq::ZERO)))
}

/// A message at which whoever pushes it panics, under the roster's lock.
fn panic_in_the_roster() -> Item {
    let key = Key::new("panic in the roster").unwrap();
    let entry = Entry::new(RoomId::random(), None, Term::FIRST, key, Params::NONE, Change::Event);
    Item::Message { entry: Arc::new(entry), applied: Duration::ZERO, charge: None }
}

#[tokio::test]
async fn a_roster_that_a_panic_left_half_changed_ends_everybody_on_it_and_whoever_comes_to_it() {
    let lane = lane(Duration::ZERO);
    let roster = Roster::new(&lane, RoomId::random());
    let mut crews = HashMap::new();
    let (here, item) = admit();
    roster.push(item);
    serve(&lane.pop().unwrap(), &mut crews);
    let (waiting, item) = admit();
    roster.push(item);
    fault::catch("a test", &Counters::idle(), || roster.push(panic_in_the_roster())).unwrap_err();
    assert_eq!((here.ending(), waiting.ending()), (Ending::Open, Ending::Open));

    let (late, item) = admit();
    roster.push(item);
    assert_eq!(waiting.ending(), Ending::Finishing, "no lane comes to it any more");
    assert_eq!(late.ending(), Ending::Finishing);
    while let Ok(roster) = lane.pop() {
        serve(&roster, &mut crews);
    }
    assert_eq!(here.ending(), Ending::Finishing);
    assert!(crews.is_empty());
    roster.push(said());
    assert!(matches!(lane.pop(), Err(None)), "nothing is served any more");
}

#[tokio::test]
async fn a_roster_that_its_lane_gives_up_ends_everybody_too() {
    let lane = lane(Duration::ZERO);
    let roster = Roster::new(&lane, RoomId::random());
    let mut crews = HashMap::new();
    let (here, item) = admit();
    roster.push(item);
    serve(&lane.pop().unwrap(), &mut crews);
    let (waiting, item) = admit();
    roster.push(item);
    give_up(&roster, &mut crews);
    assert_eq!((here.ending(), waiting.ending()), (Ending::Finishing, Ending::Finishing));
    let (late, item) = admit();
    roster.push(item);
    assert_eq!(late.ending(), Ending::Finishing);
}

#[tokio::test]
async fn a_large_room_ends_little_by_little_and_others_are_served_meanwhile() {
    let lane = lane(Duration::ZERO);
    let (large, other) = (Roster::new(&lane, RoomId::random()), Roster::new(&lane, RoomId::random()));
    let mut crews = HashMap::new();
    let (members, items): (Vec<_>, Vec<_>) = (0..4 * SLICE_PARTED + 1).map(|_| admit()).unzip();
    items.into_iter().for_each(|item| large.push(item));
    assert_eq!(serve(&lane.pop().unwrap(), &mut crews), 0, "nobody goes yet");
    let gone = || members.iter().filter(|member| member.ending() != Ending::Open).count();

    large.push(Item::Roll(Roll::Part(Parting::Departing)));
    large.push(Item::Roll(Roll::Remove(Arc::clone(&members[0]))));
    serve(&lane.pop().unwrap(), &mut crews);
    for round in 1..=4 {
        assert_eq!(serve(&lane.pop().unwrap(), &mut crews), SLICE_PARTED);
        assert_eq!(gone(), round * SLICE_PARTED);
        other.push(said());
        assert!(!Arc::ptr_eq(&lane.pop().unwrap(), &other), "the large room had its turn before");
        large.rest(true);
        assert!(Arc::ptr_eq(&lane.pop().unwrap(), &other), "not behind all of the large room");
        assert!(matches!(other.next(), Some(Work::Send(..))));
        other.rest(false);
    }
    assert_eq!(serve(&lane.pop().unwrap(), &mut crews), 1);
    assert_eq!(gone(), members.len());
    serve(&lane.pop().unwrap(), &mut crews);
    assert!(crews.is_empty(), "who had left before its turn is gone too");
    assert!(matches!(lane.pop(), Err(None)));
}

#[tokio::test]
async fn the_rest_of_a_room_that_ends_is_told_too_when_its_lane_gives_it_up() {
    let lane = lane(Duration::ZERO);
    let roster = Roster::new(&lane, RoomId::random());
    let mut crews = HashMap::new();
    let (members, items): (Vec<_>, Vec<_>) = (0..2 * SLICE_PARTED).map(|_| admit()).unzip();
    items.into_iter().for_each(|item| roster.push(item));
    roster.push(Item::Roll(Roll::Part(Parting::Departing)));
    serve(&lane.pop().unwrap(), &mut crews);
    assert_eq!(serve(&lane.pop().unwrap(), &mut crews), SLICE_PARTED);
    give_up(&roster, &mut crews);
    assert!(members.iter().all(|member| member.ending() == Ending::Finishing));
}
