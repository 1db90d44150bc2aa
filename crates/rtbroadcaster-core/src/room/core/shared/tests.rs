//! Tests of a room whose log several nodes write.

use super::*;
use crate::id::{Cursor, Numbering};
use crate::random::SEEDED;
use crate::record::Lives;
use crate::room::core::{Decided, Space};
use crate::room::log::{Lineage, Resume};
use crate::standing::{CursorScope, RoomEnd, Start};
use std::sync::Arc;

/// Two nodes with one room, and what the first one has handed over.
struct Nodes {
    here: Core<u32>,
    there: Core<u32>,
}

const AT: Duration = Duration::from_secs(50);

fn limits(config: &Config) -> AbsenceLimits {
    AbsenceLimits::of_a_key(None, config)
}

impl Nodes {
    /// A room that was created here.
    fn new() -> Self {
        let config = Config::default();
        let lives = Arc::new(Lives::only(Life::random(&SEEDED)));
        let lineage = Lineage::new(Numbering::random(&SEEDED), lives);
        let mut here = Core::with_lineage(RoomId::random(&SEEDED), lineage, limits(&config), &config);
        let handover = here.share(FixedHeader::default());
        assert!(matches!(here.written(handover.position), Some((Applied::Nothing, 0))));
        let there = Core::load(here.id().clone(), here.checkpoint(None).unwrap(), &config, limits(&config));
        Self { here, there }
    }

    /// What was handed over here is written, and read there.
    fn pass(&mut self, handover: Handover) -> Applied {
        assert!(self.here.written(handover.position).is_some());
        self.there.follow(handover.append, AT)
    }

    fn swap(&mut self) {
        std::mem::swap(&mut self.here, &mut self.there);
    }
}

fn say(core: &mut Core<u32>, key: &str, id: Option<&str>) -> Result<Handover, super::super::ProposeError> {
    let (key, params) = (Key::new(key).unwrap(), Params::from_json("[1]").unwrap());
    let term = core.log.term();
    let proposal = Proposal { term, key, params, change: Change::State, id: id.map(Into::into) };
    core.open().unwrap().say(proposal, Space::Some, AT).map(handover)
}

fn handover(decided: Decided) -> Handover {
    match decided {
        Decided::HandedOver(handover) => handover,
        Decided::Applied(applied) => panic!("{applied:?}"),
    }
}

fn takes_over(core: &mut Core<u32>) -> Handover {
    handover(core.open().unwrap().take_over(Some(Life::random(&SEEDED))).unwrap().1)
}

fn state(core: &mut Core<u32>) -> (Seq, Vec<String>) {
    let welcome = core.welcome(&Start::Fresh, AT);
    (welcome.standing.seq, welcome.entries.iter().map(|entry| entry.key.as_str().to_owned()).collect())
}

#[test]
fn what_one_node_writes_the_other_has() {
    let mut nodes = Nodes::new();
    for key in ["a", "b", "a"] {
        let said = say(&mut nodes.here, key, None).unwrap();
        assert!(matches!(nodes.pass(said), Applied::Said(Proposed { entry: Some(_), .. })));
    }
    let whole = (Seq::new(3).unwrap(), vec!["b".to_owned(), "a".to_owned()]);
    assert_eq!((state(&mut nodes.here), state(&mut nodes.there)), (whole.clone(), whole));
    assert_eq!(nodes.here.standing(), nodes.there.standing());
}

#[test]
fn an_owner_that_comes_on_another_node_fences_the_older_one() {
    let mut nodes = Nodes::new();
    let first = say(&mut nodes.here, "a", Some("1")).unwrap();
    nodes.pass(first);
    let old = nodes.here.standing();
    let lost = say(&mut nodes.here, "b", Some("2")).unwrap();
    nodes.here.wait_for(lost.position, 7);
    nodes.swap();
    let fence = takes_over(&mut nodes.here);
    assert!(nodes.here.written(fence.position).is_some());
    assert_eq!(nodes.there.refused(lost.position), (vec![7], false));
    assert!(matches!(nodes.there.follow(fence.append, AT), Applied::Owner(OwnerStatus::Live, term) if term.get() == 2));
    assert_eq!(nodes.here.standing(), nodes.there.standing());
    assert_ne!(nodes.here.standing().epoch, old.epoch, "each lease is a life");
    // The older owner is refused, and the newer one knows what was stored.
    assert!(nodes.there.open().unwrap().owner_left(Term::FIRST, AT).is_none());
    let proposal = |term, id: &str| Proposal {
        term,
        key: Key::new("a").unwrap(),
        params: Params::from_json("[1]").unwrap(),
        change: Change::State,
        id: Some(id.into()),
    };
    let term = Term::new(2).unwrap();
    assert!(nodes.there.open().unwrap().say(proposal(Term::FIRST, "3"), Space::Some, AT).is_err());
    let known = nodes.here.open().unwrap().say(proposal(term, "1"), Space::Some, AT);
    assert!(matches!(known, Ok(Decided::Applied(Applied::Said(Proposed { entry: None, .. })))), "{known:?}");
    let again = say(&mut nodes.here, "b", Some("2")).unwrap();
    nodes.pass(again);
    // A cursor of the first life is resumed on both, up to where that life ended.
    for core in [&mut nodes.here, &mut nodes.there] {
        let cursor = |seq| Cursor { epoch: old.epoch.clone(), seq: Seq::new(seq).unwrap() };
        let resume = core.log.resume(&cursor(1), CursorScope::AllLives, AT);
        assert!(matches!(resume, Resume::Resumed(missed) if missed.len() == 1));
        assert!(matches!(core.log.resume(&cursor(2), CursorScope::AllLives, AT), Resume::Reset(_)));
    }
}

#[test]
fn an_end_that_another_owner_was_faster_than_does_not_end_the_room() {
    let mut nodes = Nodes::new();
    let end = handover(nodes.here.open().unwrap().end(EndCause::Owner));
    nodes.swap();
    let fence = takes_over(&mut nodes.here);
    nodes.here.written(fence.position).unwrap();
    assert_eq!(nodes.there.refused(end.position).0.len(), 1);
    nodes.there.follow(fence.append, AT);
    assert!(nodes.there.life().is_open());
    assert_eq!(nodes.here.standing(), nodes.there.standing());
}

#[test]
fn a_node_without_the_lease_seizes_it_before_it_ends_the_room() {
    let mut nodes = Nodes::new();
    let away = handover(nodes.here.open().unwrap().owner_left(Term::FIRST, AT).unwrap());
    assert!(matches!(nodes.pass(away), Applied::Owner(OwnerStatus::Away, _)));
    assert!(nodes.here.open().unwrap().seize().is_none(), "it has the lease");
    nodes.swap();
    let seized = handover(nodes.here.open().unwrap().seize().unwrap());
    let end = handover(nodes.here.open().unwrap().end(EndCause::OwnerAway));
    assert!(matches!(seized.append, Append::Header(Header { term, .. }) if term.get() == 2));
    assert!(matches!(end.append, Append::End(RoomEnd::Grace)));
    assert!(matches!(nodes.there.follow(seized.append, AT), Applied::Nothing));
    assert!(matches!(nodes.there.follow(end.append, AT), Applied::End(EndCause::OwnerAway)));
    while nodes.here.written(end.position).is_some() {}
    assert_eq!((nodes.here.life(), nodes.there.life()), (RoomLife::Ended(EndCause::OwnerAway), nodes.here.life()));
}

#[test]
fn an_owner_whose_node_is_not_heard_of_is_away_until_it_is_heard_or_another_one_comes() {
    let mut nodes = Nodes::new();
    assert!(matches!(nodes.here.hears_owner(false, AT), Applied::Nothing), "it is the node of its owner");
    assert!(matches!(nodes.there.hears_owner(false, AT), Applied::Owner(OwnerStatus::Away, _)));
    assert!(matches!(nodes.there.hears_owner(false, AT), Applied::Nothing));
    assert_eq!(nodes.there.away_for(AT + AT), AT);
    assert!(matches!(nodes.there.hears_owner(true, AT), Applied::Owner(OwnerStatus::Live, _)));
    nodes.there.hears_owner(false, AT);
    let fence = takes_over(&mut nodes.here);
    assert!(matches!(nodes.pass(fence), Applied::Owner(OwnerStatus::Live, _)));
    assert_eq!(nodes.there.away_for(AT + AT), Duration::ZERO);
}

#[test]
fn an_owner_that_is_away_is_not_back_because_its_node_is_heard_again() {
    let mut nodes = Nodes::new();
    let away = handover(nodes.here.open().unwrap().owner_left(Term::FIRST, AT).unwrap());
    assert!(matches!(nodes.pass(away), Applied::Owner(OwnerStatus::Away, _)));
    for is_heard in [false, true] {
        assert!(matches!(nodes.there.hears_owner(is_heard, AT + AT), Applied::Nothing));
        assert_eq!(nodes.there.away_for(AT + AT), AT);
    }
}

#[test]
fn a_node_that_was_cut_off_gives_the_owner_its_grace_again() {
    let mut nodes = Nodes::new();
    let grace = nodes.there.grace().unwrap();
    nodes.there.hears_owner(false, AT);
    nodes.there.stand_still();
    let later = AT + grace + grace;
    assert!(nodes.there.go_on(later).is_none(), "the node with the lease writes");
    assert!(nodes.there.open().unwrap().is_over(later + grace / 2).is_none());
    assert!(nodes.there.open().unwrap().is_over(later + grace).is_some());
}

#[test]
fn a_departure_holds_although_the_steps_before_it_are_refused() {
    let mut nodes = Nodes::new();
    say(&mut nodes.here, "a", None).unwrap();
    let Decided::HandedOver(departs) = nodes.here.open().unwrap().depart(None) else { panic!() };
    assert!(matches!(nodes.here.refused(departs.position), (waiters, true) if waiters.len() == 2));
}

#[test]
fn a_node_that_loads_the_room_has_its_state_its_ids_its_history_and_its_lives() {
    let mut nodes = Nodes::new();
    for (key, id) in [("a", "1"), ("b", "2"), ("a", "3")] {
        let said = say(&mut nodes.here, key, Some(id)).unwrap();
        nodes.pass(said);
    }
    let old = nodes.here.standing();
    nodes.swap();
    let fence = takes_over(&mut nodes.here);
    nodes.pass(fence);
    let config = Config::default();
    let checkpoint = nodes.here.checkpoint(None).unwrap();
    assert_eq!(checkpoint.history, Seq::new(1).unwrap());
    let mut loaded: Core<u32> = Core::load(nodes.here.id().clone(), checkpoint, &config, limits(&config));
    assert_eq!(state(&mut loaded), state(&mut nodes.here));
    assert_eq!(loaded.standing(), nodes.here.standing());
    assert!(loaded.log.known("1").is_some() && loaded.log.known("3").is_some());
    let cursor = Cursor { epoch: old.epoch, seq: Seq::new(3).unwrap() };
    assert!(
        matches!(loaded.log.resume(&cursor, CursorScope::AllLives, AT), Resume::Resumed(missed) if missed.is_empty())
    );
}

#[test]
fn a_copy_continues_the_room_with_everything_that_the_node_knows() {
    let mut nodes = Nodes::new();
    for (key, id) in [("a", "1"), ("b", "2"), ("a", "3")] {
        let said = say(&mut nodes.here, key, Some(id)).unwrap();
        nodes.pass(said);
    }
    let old = nodes.here.standing();
    let cursor = Cursor { epoch: old.epoch, seq: Seq::new(1).unwrap() };
    let (checkpoint, header) = nodes.here.copy(Life::random(&SEEDED), AT).unwrap();
    assert_eq!((header.term.get(), header.away), (2, Some(AT)));
    let config = Config::default();
    let mut loaded: Core<u32> = Core::load(nodes.here.id().clone(), checkpoint, &config, limits(&config));
    loaded.follow(Append::Header(header), AT);
    assert_eq!(state(&mut loaded), state(&mut nodes.here));
    assert_eq!((loaded.standing().owner, loaded.term().get()), (OwnerStatus::Away, 2));
    let missed = nodes.here.log.resume(&cursor, CursorScope::AllLives, AT);
    let Resume::Resumed(missed) = missed else { panic!() };
    assert!(
        matches!(loaded.log.resume(&cursor, CursorScope::AllLives, AT), Resume::Resumed(also) if also.len() == missed.len())
    );
}

#[test]
fn a_checkpoint_holds_the_history_that_is_not_in_the_log() {
    let mut nodes = Nodes::new();
    for key in ["a", "a", "a", "b"] {
        let said = say(&mut nodes.here, key, None).unwrap();
        nodes.pass(said);
    }
    let mut seqs = |logged: Option<u64>| -> Vec<u64> {
        let checkpoint = nodes.here.checkpoint(logged.and_then(Seq::new)).unwrap();
        checkpoint.records.iter().map(|record| record.seq.get()).collect()
    };
    assert_eq!(seqs(Some(1)), [3, 4], "the state alone");
    assert_eq!(seqs(Some(3)), [1, 2, 3, 4]);
    assert_eq!(seqs(None), [1, 2, 3, 4]);
    assert_eq!(seqs(Some(2)), [1, 3, 4]);
}
