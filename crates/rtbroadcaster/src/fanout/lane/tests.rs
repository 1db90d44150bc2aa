//! When a lane comes to a roster.

use rtbroadcaster_core::backlog::Ending;
use rtbroadcaster_core::id::{Seq, Term};
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::message::{Change, Entry, Key, Params};
use rtbroadcaster_core::protocol::{Dialect, Liveness, Notice};
use rtbroadcaster_core::standing::OwnerStatus;

use super::*;
use crate::clock::Clock;
use crate::fanout::Moments;
use crate::fanout::Outbox;
use crate::fanout::lane::members::SLICE_MEMBERS;
use crate::fanout::mute::MUTE;
use crate::fanout::roster::{Disconnection, Item, MemberChange, Work};
use crate::os_random::OsRandom;

const INTERVAL: Duration = Duration::from_millis(50);

fn lane(flush_interval: Limit<Duration>) -> Arc<Lane> {
    Lane::new(
        &Config { flush_interval, ..Config::default() },
        Clock::start(),
        &Counters::idle(),
        mpsc::unbounded_channel().0,
    )
}

fn said() -> Item {
    Item::notice(Notice::Owner { status: OwnerStatus::Live, term: Term::FIRST, away: Duration::ZERO, epoch: None })
}

/// Nothing is ready yet, and it is after the interval.
async fn check_waits(lane: &Lane) -> Arc<Roster> {
    assert!(matches!(lane.pop(), Err(Some(_))));
    tokio::time::advance(INTERVAL).await;
    lane.pop().expect("the interval is over")
}

#[tokio::test(start_paused = true)]
async fn what_comes_during_a_pass_waits_for_more_as_what_came_before_it() {
    let lane = lane(Limit::Max(INTERVAL));
    let roster = Roster::new(&lane, RoomId::random(&OsRandom));
    roster.push(said());
    check_waits(&lane).await;
    assert!(matches!(roster.next(), Some(Work::Send { .. })));
    roster.push(said());
    roster.rest(true);
    lane.pop().expect("the pass goes on at once");
    roster.rest(false);
    check_waits(&lane).await;
    assert!(matches!(roster.next(), Some(Work::Send { .. })));
    roster.rest(false);
    assert!(matches!(lane.pop(), Err(None)), "nothing is left");
}

#[tokio::test(start_paused = true)]
async fn what_did_not_go_out_with_the_first_call_goes_out_with_the_next_one_at_once() {
    let lane = lane(Limit::Max(INTERVAL));
    let roster = Roster::new(&lane, RoomId::random(&OsRandom));
    (0..100).for_each(|_| roster.push(said()));
    check_waits(&lane).await;
    assert!(matches!(roster.next(), Some(Work::Send { .. })));
    roster.rest(false);
    lane.pop().expect("the rest of a burst does not wait again");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_comes_at_once_and_takes_no_turn_from_what_waits_for_more() {
    let lane = lane(Limit::Max(INTERVAL));
    let roster = Roster::new(&lane, RoomId::random(&OsRandom));
    let mut rooms = HashMap::new();
    let (_member, item) = admit();
    roster.push(item);
    serve(&check_waits(&lane).await, &mut rooms);
    let beat = |rooms: &mut HashMap<u64, LaneMembers>| {
        lane.hasten();
        rooms.values_mut().for_each(LaneMembers::order_heartbeat);
        let mut turns = 0;
        while let Ok(roster) = lane.pop() {
            serve(&roster, rooms);
            turns += 1;
        }
        assert!(turns > 0, "a heartbeat waits for nothing");
        assert!(matches!(lane.pop(), Err(None)), "nothing waits any more");
    };
    beat(&mut rooms);
    roster.push(said());
    beat(&mut rooms);
    assert!(roster.next().is_none(), "what waited went with the heartbeat");
}

fn admit() -> (Arc<Outbox>, Item) {
    admit_in(&MUTE)
}

fn admit_in(dialect: &'static Dialect) -> (Arc<Outbox>, Item) {
    let member = Outbox::new(None, dialect, Clock::start(), &Counters::idle(), &Config::default());
    (Arc::clone(&member), Item::Change(MemberChange::Admit(member, Seq::ZERO)))
}

/// A dialect whose clients never speak.
static SILENT: Dialect = Dialect { slot: 1, liveness: Liveness::Silent, ..MUTE };

#[tokio::test(start_paused = true)]
async fn a_heartbeat_cuts_a_member_that_does_not_answer_and_keeps_one_that_never_speaks() {
    let lane = lane(Limit::None);
    let roster = Roster::new(&lane, RoomId::random(&OsRandom));
    let mut rooms = HashMap::new();
    let ((mute, first), (silent, second)) = (admit_in(&MUTE), admit_in(&SILENT));
    roster.push(first);
    roster.push(second);
    for beat in 0..3 {
        rooms.values_mut().for_each(LaneMembers::order_heartbeat);
        while let Ok(roster) = lane.pop() {
            serve(&roster, &mut rooms);
        }
        let expected = if beat < 2 { Ending::Open } else { Ending::Cut };
        assert_eq!((mute.ending(), silent.ending()), (expected, Ending::Open), "after {beat} heartbeats");
    }
}

#[tokio::test]
async fn a_roster_that_a_panic_left_half_changed_ends_everybody_on_it_and_whoever_comes_to_it() {
    let lane = lane(Limit::None);
    let roster = Roster::new(&lane, RoomId::random(&OsRandom));
    let mut rooms = HashMap::new();
    let (here, item) = admit();
    roster.push(item);
    serve(&lane.pop().unwrap(), &mut rooms);
    let (waiting, item) = admit();
    roster.push(item);
    roster.panic_under_its_lock();
    assert_eq!((here.ending(), waiting.ending()), (Ending::Open, Ending::Open));

    let (late, item) = admit();
    roster.push(item);
    assert_eq!(waiting.ending(), Ending::Finishing, "no lane comes to it any more");
    assert_eq!(late.ending(), Ending::Finishing);
    while let Ok(roster) = lane.pop() {
        serve(&roster, &mut rooms);
    }
    assert_eq!(here.ending(), Ending::Finishing);
    assert!(rooms.is_empty());
    roster.push(said());
    assert!(matches!(lane.pop(), Err(None)), "nothing is served any more");
}

#[tokio::test]
async fn a_roster_that_its_lane_gives_up_ends_everybody_too() {
    let lane = lane(Limit::None);
    let roster = Roster::new(&lane, RoomId::random(&OsRandom));
    let mut rooms = HashMap::new();
    let (here, item) = admit();
    roster.push(item);
    serve(&lane.pop().unwrap(), &mut rooms);
    let (waiting, item) = admit();
    roster.push(item);
    give_up(&roster, &mut rooms);
    assert_eq!((here.ending(), waiting.ending()), (Ending::Finishing, Ending::Finishing));
    let (late, item) = admit();
    roster.push(item);
    assert_eq!(late.ending(), Ending::Finishing);
}

#[tokio::test]
async fn a_large_room_ends_little_by_little_and_others_are_served_meanwhile() {
    let lane = lane(Limit::None);
    let (large, other) = (Roster::new(&lane, RoomId::random(&OsRandom)), Roster::new(&lane, RoomId::random(&OsRandom)));
    let mut rooms = HashMap::new();
    let (members, items): (Vec<_>, Vec<_>) = (0..4 * SLICE_DISCONNECTED + 1).map(|_| admit()).unzip();
    items.into_iter().for_each(|item| large.push(item));
    assert_eq!(serve(&lane.pop().unwrap(), &mut rooms), 0, "nobody goes yet");
    let gone = || members.iter().filter(|member| member.ending() != Ending::Open).count();

    large.push(Item::Change(MemberChange::DisconnectAll(Disconnection::Departing(Moments::of(0, 0, &OsRandom)))));
    large.push(Item::Change(MemberChange::Remove(Arc::clone(&members[0]))));
    serve(&lane.pop().unwrap(), &mut rooms);
    for round in 1..=4 {
        assert_eq!(serve(&lane.pop().unwrap(), &mut rooms), SLICE_DISCONNECTED);
        assert_eq!(gone(), round * SLICE_DISCONNECTED);
        other.push(said());
        assert!(!Arc::ptr_eq(&lane.pop().unwrap(), &other), "the large room had its turn before");
        large.rest(true);
        assert!(Arc::ptr_eq(&lane.pop().unwrap(), &other), "not behind all of the large room");
        assert!(matches!(other.next(), Some(Work::Send { .. })));
        other.rest(false);
    }
    assert_eq!(serve(&lane.pop().unwrap(), &mut rooms), 1);
    assert_eq!(gone(), members.len());
    serve(&lane.pop().unwrap(), &mut rooms);
    assert!(rooms.is_empty(), "who had left before its turn is gone too");
    assert!(matches!(lane.pop(), Err(None)));
}

#[tokio::test]
async fn the_rest_of_a_room_that_ends_is_told_too_when_its_lane_gives_it_up() {
    let lane = lane(Limit::None);
    let roster = Roster::new(&lane, RoomId::random(&OsRandom));
    let mut rooms = HashMap::new();
    let (members, items): (Vec<_>, Vec<_>) = (0..2 * SLICE_DISCONNECTED).map(|_| admit()).unzip();
    items.into_iter().for_each(|item| roster.push(item));
    roster.push(Item::Change(MemberChange::DisconnectAll(Disconnection::Departing(Moments::of(0, 0, &OsRandom)))));
    serve(&lane.pop().unwrap(), &mut rooms);
    assert_eq!(serve(&lane.pop().unwrap(), &mut rooms), SLICE_DISCONNECTED);
    give_up(&roster, &mut rooms);
    assert!(members.iter().all(|member| member.ending() == Ending::Finishing));
}

/// A message that nothing supersedes.
fn event() -> Item {
    let key = Key::new("event").unwrap();
    let entry = Entry::new(RoomId::random(&OsRandom), None, Term::FIRST, key, Params::NONE, Change::Event);
    Item::message(Arc::new(entry), Duration::ZERO, None)
}

#[tokio::test]
async fn a_small_room_is_served_between_two_shares_of_a_large_one() {
    let lane = lane(Limit::None);
    let (large, small) = (Roster::new(&lane, RoomId::random(&OsRandom)), Roster::new(&lane, RoomId::random(&OsRandom)));
    let mut rooms = HashMap::new();
    (0..3 * SLICE_MEMBERS).for_each(|_| large.push(admit().1));
    while let Ok(roster) = lane.pop() {
        serve(&roster, &mut rooms);
    }
    large.push(event());
    for _ in 0..2 {
        small.push(event());
        let first = lane.pop().unwrap();
        assert!(Arc::ptr_eq(&first, &large));
        serve(&first, &mut rooms);
        let second = lane.pop().unwrap();
        assert!(Arc::ptr_eq(&second, &small), "not behind all of the large room");
        serve(&second, &mut rooms);
    }
    serve(&lane.pop().expect("there is a third share"), &mut rooms);
    assert!(matches!(lane.pop(), Err(None)));
}

#[tokio::test]
async fn a_small_room_wakes_its_lane_once_for_all_that_waits() {
    let lane = lane(Limit::None);
    let roster = Roster::new(&lane, RoomId::random(&OsRandom));
    let mut rooms = HashMap::new();
    let admitted = (0..10).map(|_| admit().1);
    admitted.chain((0..50).map(|_| event())).for_each(|item| roster.push(item));
    lane.pop().unwrap();
    assert!(matches!(lane.pop(), Err(None)), "it stands in the queue once");
    // Ten members are added, and one pass sends all messages.
    for _ in 0..11 {
        serve(&roster, &mut rooms);
        let _ = lane.pop();
    }
    assert!(matches!(lane.pop(), Err(None)));
    assert!(roster.next().is_none(), "nothing waits");
}

#[tokio::test]
async fn a_lane_lets_other_tasks_run_while_it_is_busy() {
    const PASSES: u64 = 200;
    let counters = Counters::idle();
    let config = Config { ping_interval: Limit::None, ..Config::default() };
    let (lanes, _faults, _lagging) = Lanes::start(1, Clock::start(), &counters, &config);
    let roster = Roster::new(lanes.get(0), RoomId::random(&OsRandom));
    (0..5_000).for_each(|_| roster.push(admit().1));
    // A pass takes 64 of them. Looking at a million members takes longer than a lane may keep its thread.
    (0..64 * PASSES).for_each(|_| roster.push(event()));
    let passes = || counters.look().apply_to_written.count;
    // The only thread runs the lane before it runs this again.
    tokio::task::yield_now().await;
    let done = passes();
    assert!(done < PASSES, "it has done all of {PASSES} passes in one go");
    while passes() < PASSES {
        tokio::task::yield_now().await;
    }
}
