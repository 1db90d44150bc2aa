//! The log against a model that keeps every message.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::random::SEEDED;

const LIMITS: LogLimits = LogLimits {
    history_messages_max: 5,
    history_bytes_max: 60,
    history_age_max: Duration::from_secs(10),
    state_keys_max: 3,
    state_bytes_max: 40,
};

fn log(limits: LogLimits) -> Log {
    Log::new(RoomId::random(&SEEDED), Epoch::random(&SEEDED), limits)
}

fn proposal(change: Change, key: &str, params: &str, id: Option<&str>) -> Proposal {
    Proposal {
        term: Term::FIRST,
        key: Key::new(key).unwrap(),
        params: Params::from_json(params).unwrap(),
        change,
        id: id.map(Into::into),
    }
}

/// What a step does to the log.
#[derive(Debug, Clone)]
enum Step {
    Say { change: Change, key: u8, size: usize, id: Option<u8> },
    Wait(u64),
    Resume { behind: u64 },
    Snapshot,
}

fn step() -> impl Strategy<Value = Step> {
    let change = prop_oneof![
        3 => Just(Change::Event),
        5 => Just(Change::State),
        2 => Just(Change::Cleared),
        1 => Just(Change::Ephemeral),
    ];
    prop_oneof![
        8 => (change, 0..5_u8, 0..20_usize, prop::option::weighted(0.3, 0..4_u8))
            .prop_map(|(change, key, size, id)| Step::Say { change, key, size, id }),
        1 => (0..12_u64).prop_map(Step::Wait),
        2 => (0..12_u64).prop_map(|behind| Step::Resume { behind }),
        2 => Just(Step::Snapshot),
    ]
}

/// Everything that was said, with the time.
#[derive(Default)]
struct Model {
    said: Vec<(Duration, Proposal)>,
    ids: BTreeMap<Box<str>, (usize, Proposal)>,
    now: Duration,
}

impl Model {
    /// Key -> number, in the order of last change.
    fn state(&self) -> Vec<(u64, Proposal)> {
        let mut state: Vec<(u64, Proposal)> = Vec::new();
        for (number, (_, proposal)) in (1..).zip(&self.said) {
            if proposal.change != Change::Event {
                state.retain(|(_, value)| value.key != proposal.key);
            }
            if proposal.change == Change::State {
                state.push((number, proposal.clone()));
            }
        }
        state
    }

    fn verdict(&self, proposal: &Proposal) -> Result<Verdict, Rejection> {
        if let Some((index, first)) = proposal.id.as_ref().and_then(|id| self.ids.get(id)) {
            let same = (&first.key, &first.params, first.change) == (&proposal.key, &proposal.params, proposal.change);
            let seq = Seq::new(*index as u64 + 1).unwrap();
            return if same { Ok(Verdict::Known(seq)) } else { Err(Rejection::IdReused) };
        }
        let mut state: Vec<Proposal> = self.state().into_iter().map(|(_, value)| value).collect();
        state.retain(|value| value.key != proposal.key);
        let bytes = state.iter().map(Proposal::bytes).sum::<usize>() + proposal.bytes();
        let full = state.len() + 1 > LIMITS.state_keys_max || bytes > LIMITS.state_bytes_max;
        if proposal.change == Change::State && full { Err(Rejection::StateFull) } else { Ok(Verdict::New) }
    }

    /// How many of the last messages the history must hold.
    fn retained(&self) -> usize {
        let mut bytes = 0;
        let fits = |(said, proposal): &&(Duration, Proposal)| {
            bytes += proposal.bytes();
            bytes <= LIMITS.history_bytes_max && self.now < *said + LIMITS.history_age_max
        };
        self.said.iter().rev().take(LIMITS.history_messages_max).take_while(fits).count()
    }
}

fn say(log: &mut Log, model: &mut Model, proposal: Proposal) {
    let expected = model.verdict(&proposal);
    let verdict = log.check(&proposal);
    // An ephemeral proposal carries no id: `Message` refuses it.
    assert_eq!(verdict, expected);
    if verdict != Ok(Verdict::New) {
        return;
    }
    let entry = log.apply(proposal.clone(), model.now);
    assert_eq!((&entry.key, &entry.params(), entry.change), (&proposal.key, &proposal.params, proposal.change));
    if proposal.change == Change::Ephemeral {
        assert_eq!(entry.seq, None);
    } else {
        if let Some(id) = &proposal.id {
            model.ids.insert(id.clone(), (model.said.len(), proposal.clone()));
        }
        model.said.push((model.now, proposal));
        assert_eq!(entry.seq.map(Seq::get), Some(model.said.len() as u64), "numbers have no gap");
    }
    assert_eq!(log.seq().get(), model.said.len() as u64);
}

fn check(steps: Vec<Step>) {
    let (mut log, mut model) = (log(LIMITS), Model::default());
    for step in steps {
        match step {
            Step::Say { change, key, size, id } => {
                let id = id.filter(|_| change != Change::Ephemeral).map(|id| id.to_string());
                let params = format!("[{}]", "1".repeat(size));
                say(&mut log, &mut model, proposal(change, &format!("k{key}"), &params, id.as_deref()));
            }
            Step::Wait(seconds) => model.now += Duration::from_secs(seconds),
            Step::Snapshot => {
                let snapshot = log.snapshot();
                assert_eq!(snapshot.seq, log.seq());
                let values = snapshot.entries.iter().map(|entry| (entry.seq.unwrap().get(), entry.key.clone()));
                let expected = model.state().into_iter().map(|(number, value)| (number, value.key));
                assert_eq!(values.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            }
            Step::Resume { behind } => {
                let Some(seq) = log.seq().get().checked_sub(behind) else { continue };
                let cursor = Cursor { epoch: log.epoch().clone(), seq: Seq::new(seq).unwrap() };
                let possible = behind <= model.retained() as u64;
                match log.resume(&cursor, CursorScope::AllLives, model.now) {
                    Resume::Resumed(entries) => {
                        assert!(possible, "resumed over a hole");
                        let numbers: Vec<u64> = entries.iter().map(|entry| entry.seq.unwrap().get()).collect();
                        assert_eq!(numbers, (seq + 1..=log.seq().get()).collect::<Vec<_>>());
                    }
                    Resume::Reset(reason) => {
                        assert_eq!(reason, ResetReason::Retention);
                        assert!(!possible, "reset although everything is held");
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_log_is_the_fold_of_all_that_was_said(steps in prop::collection::vec(step(), 0..60)) {
        check(steps);
    }
}

#[test]
fn a_cursor_of_another_life_or_of_the_future_is_reset() {
    let mut log = log(LIMITS);
    log.apply(proposal(Change::Event, "k", "[]", None), Duration::ZERO);
    let cases = [
        (Cursor { epoch: Epoch::random(&SEEDED), seq: Seq::ZERO }, ResetReason::Epoch),
        (Cursor { epoch: log.epoch().clone(), seq: Seq::new(2).unwrap() }, ResetReason::Future),
        (Cursor { epoch: log.epoch().clone(), seq: Seq::MAX }, ResetReason::Future),
    ];
    for (cursor, expected) in cases {
        match log.resume(&cursor, CursorScope::AllLives, Duration::ZERO) {
            Resume::Reset(reason) => assert_eq!(reason, expected),
            Resume::Resumed(_) => panic!("{cursor:?} was resumed"),
        }
    }
}

#[test]
fn the_oldest_of_4096_ids_is_forgotten() {
    let mut log = log(LogLimits { state_keys_max: usize::MAX, ..LIMITS });
    for number in 0..=IDS_MAX {
        let said = proposal(Change::Event, "k", "[]", Some(&number.to_string()));
        assert_eq!(log.check(&said), Ok(Verdict::New));
        log.apply(said, Duration::ZERO);
    }
    assert_eq!(log.check(&proposal(Change::Event, "k", "[]", Some("0"))), Ok(Verdict::New));
    assert_eq!(log.check(&proposal(Change::Event, "k", "[]", Some("1"))), Ok(Verdict::Known(Seq::new(2).unwrap())));
    assert_eq!(log.check(&proposal(Change::State, "k", "[]", Some("1"))), Err(Rejection::IdReused));
}

#[test]
fn joiners_share_one_snapshot_until_the_state_changes() {
    let mut log = log(LIMITS);
    log.apply(proposal(Change::State, "a", "[1]", None), Duration::ZERO);
    let first = log.snapshot();
    log.apply(proposal(Change::Event, "e", "[]", None), Duration::ZERO);
    let second = log.snapshot();
    assert!(Arc::ptr_eq(&first.entries, &second.entries), "an event does not change the state");
    assert_eq!(second.seq.get(), 2);
    log.apply(proposal(Change::Cleared, "a", "[]", None), Duration::ZERO);
    assert!(log.snapshot().entries.is_empty());
}
