//! The life of a room, and when its decisions are applied.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::id::Term;
use crate::message::{Change, Key, Params};
use crate::random::SEEDED;
use crate::record::{Append, Handover, LogPosition};

fn room() -> Core {
    Core::new(RoomId::random(&SEEDED), Epoch::random(&SEEDED), &Config::default())
}

/// A room whose log is kept, and whose beginning is written.
fn kept() -> Core {
    let mut room = room();
    assert!(matches!(room.keep(FixedHeader::default()).append, Append::Header(_)));
    assert!(matches!(written(&mut room), Some(Applied::Nothing)));
    room
}

/// The oldest of what waits is written.
fn written(room: &mut Core) -> Option<Applied> {
    let positions = std::iter::successors(Some(LogPosition::START), |position| Some(position.next()));
    positions.take(100).find_map(|position| room.written(position)).map(|(applied, ())| applied)
}

fn proposal(change: Change) -> Proposal {
    let (key, params) = (Key::new("key").unwrap(), Params::from_json("[1]").unwrap());
    Proposal { term: Term::FIRST, key, params, change, id: None }
}

fn say(room: &mut Core, change: Change) -> Result<Decided, ProposeError> {
    room.open()?.say(proposal(change), Space::Some, Duration::ZERO)
}

#[test]
fn a_room_in_memory_makes_no_record_and_ends_in_the_same_call() {
    let mut room = room();
    for change in [Change::Event, Change::State, Change::Cleared, Change::Ephemeral] {
        assert!(matches!(say(&mut room, change), Ok(Decided::Applied(Applied::Said(_)))), "{change:?}");
    }
    let (term, decided) = room.open().unwrap().take_over(None).unwrap();
    assert!(matches!(decided, Decided::Applied(Applied::Owner(OwnerStatus::Live, now)) if now == term));
    assert!(room.open().unwrap().owner_left(Term::FIRST, Duration::ZERO).is_none(), "it is not the owner any more");
    let decided = room.open().unwrap().end(EndCause::Owner);
    assert!(matches!(decided, Decided::Applied(Applied::End(EndCause::Owner))));
    assert_eq!(room.life(), RoomLife::Ended(EndCause::Owner));
    assert!(room.ahead.is_none(), "what is ahead of the log takes memory");
}

#[test]
fn a_room_that_is_not_open_decides_nothing() {
    type End = fn(&mut Core);
    let ends: [(End, RoomLife); 4] = [
        (|room| _ = room.open().unwrap().end(EndCause::Program), RoomLife::Ending(EndCause::Program)),
        (|room| _ = room.open().unwrap().depart(Some(Duration::ZERO)), RoomLife::Departing),
        (|room| _ = room.break_off(), RoomLife::Broken),
        (
            |room| {
                _ = room.open().unwrap().end(EndCause::Empty);
                assert!(matches!(written(room), Some(Applied::End(EndCause::Empty))));
            },
            RoomLife::Ended(EndCause::Empty),
        ),
    ];
    for (end, life) in ends {
        let mut room = kept();
        end(&mut room);
        assert_eq!(room.life(), life);
        assert_eq!(room.open().err(), Some(NotOpen(life)));
        let refused = if life == RoomLife::Departing { ProposeError::Departing } else { ProposeError::Ended };
        assert_eq!(say(&mut room, Change::Event).err(), Some(refused));
    }
}

#[test]
fn an_end_that_was_beaten_does_not_end_the_room() {
    let mut room = kept();
    assert!(matches!(
        room.open().unwrap().end(EndCause::OwnerAway),
        Decided::HandedOver(Handover { append: Append::End(_), .. })
    ));
    room.end_was_beaten();
    assert!(matches!(written(&mut room), Some(Applied::Nothing)), "the end holds");
    assert!(say(&mut room, Change::Event).is_ok());
    assert!(matches!(
        room.open().unwrap().end(EndCause::Owner),
        Decided::HandedOver(Handover { append: Append::End(_), .. })
    ));
    assert!(matches!(written(&mut room), Some(Applied::Said(_))));
    assert!(matches!(written(&mut room), Some(Applied::End(EndCause::Owner))));
    room.end_was_beaten();
    assert_eq!(room.life(), RoomLife::Ended(EndCause::Owner), "too late");
}

#[test]
fn a_broken_room_applies_nothing_and_ends_once_where_it_is_kept() {
    let mut room = kept();
    assert!(matches!(
        say(&mut room, Change::Event),
        Ok(Decided::HandedOver(Handover { append: Append::Message(..), .. }))
    ));
    assert!(matches!(room.break_off(), Some(Handover { append: Append::End(_), .. })));
    assert!(room.break_off().is_none(), "it ends twice");
    assert!(written(&mut room).is_none() && written(&mut room).is_none());
    assert_eq!((room.standing().seq, room.life()), (Seq::ZERO, RoomLife::Broken));
}

#[test]
fn a_room_whose_log_cannot_be_written_is_open_to_viewers_and_decides_nothing_but_ends() {
    let mut room = kept();
    room.stand_still();
    assert_eq!(say(&mut room, Change::Event).err(), Some(ProposeError::Unavailable));
    assert!(matches!(room.open().unwrap().take_over(None), Err(ProposeError::Unavailable)));
    assert!(room.open().unwrap().join(&Start::Fresh, Duration::ZERO).is_ok());
    let left = room.open().unwrap().owner_left(Term::FIRST, Duration::ZERO);
    assert!(matches!(left, Some(Decided::HandedOver(Handover { append: Append::Header(_), .. }))));
    assert!(room.open().unwrap().is_over(Duration::from_secs(1_000_000)).is_none(), "no time passes");
    let decided = room.open().unwrap().depart(Some(Duration::ZERO));
    assert!(matches!(decided, Decided::Applied(Applied::Departed)), "nothing waits for what cannot be written");
}

/// What an engine does about the room.
#[derive(Debug, Clone, Copy)]
enum Report {
    /// The room decides something.
    Decide,
    /// So many handovers are written; the engine may have reported them, and more, before.
    Through(u64),
}

proptest! {
    #[test]
    fn watermarks_that_are_repeated_late_or_merged_apply_each_step_once_and_in_order(
        story in vec(prop_oneof![Just(Report::Decide), (0..40_u64).prop_map(Report::Through)], 1..120),
    ) {
        let mut room: Core<Option<u64>> = Core::new(RoomId::random(&SEEDED), Epoch::random(&SEEDED), &Config::default());
        let mut handed = vec![room.keep(FixedHeader::default()).position];
        room.wait_for(handed[0], Some(1));
        let (mut applied, mut furthest) = (Vec::new(), 0);
        for told in story {
            match told {
                Report::Decide => {
                    let decided = room.open().unwrap().say(proposal(Change::Event), Space::Some, Duration::ZERO).unwrap();
                    let Decided::HandedOver(Handover { position, .. }) = decided else { panic!("it holds already") };
                    handed.push(position);
                    prop_assert_eq!(position.get(), handed.len() as u64);
                    room.wait_for(position, Some(position.get()));
                }
                Report::Through(through) => {
                    // An engine reports only what was handed over, but in any order and as often as it wants.
                    let Some(position) = handed.get(usize::try_from(through).unwrap()) else { continue };
                    furthest = furthest.max(position.get());
                    while let Some((_, waiter)) = room.written(*position) {
                        applied.push(waiter.unwrap());
                    }
                    prop_assert_eq!(&applied, &(1..=furthest).collect::<Vec<_>>());
                    prop_assert_eq!(room.standing().seq.get(), furthest.saturating_sub(1), "its beginning has no number");
                }
            }
            prop_assert_eq!(room.is_settled(), applied.len() == handed.len());
        }
        prop_assert!(room.written(LogPosition::START).is_none());
    }
}
