//! Every fault that a model must find, and the conversations in which it must find none.

use super::*;
use crate::model::answer::{How, Reason};
use crate::model::record::Effect;

/// Messages 1 to 6: a=1, b=2, an event, a=4, b cleared, an event; an ephemeral one after 4 and one after 6.
fn record() -> Record {
    let mut record = Record::new("r", "e", 25_000);
    record.say(Effect::State, "a", "[1]");
    record.say(Effect::State, "b", "[2]");
    record.say(Effect::Event, "x", "[3]");
    record.say(Effect::State, "a", "[4]");
    record.say_ephemeral("p", "[1]");
    record.say(Effect::Clear, "b", "[]");
    record.say(Effect::Event, "x", "[6]");
    record.say_ephemeral("p", "[2]");
    record
}

fn joined(seq: u64, how: &str, replay: u64) -> String {
    let rest =
        r#""owner":"live","aliveMs":25000,"limits":{"keyBytes":256,"idBytes":64,"depth":32,"signalBytes":4096}}"#;
    format!(
        r#"{{"type":"joined","id":"i","room":"r","epoch":"e","term":1,"seq":{seq},"how":{how},"replay":{replay},{rest}"#
    )
}

/// Returns a model that has joined at `seq` with the state of the fold alone.
fn live_at(seq: u64, record: &Record) -> Model {
    let mut model = Model::default();
    assert_eq!(
        model.join("i".into(), CursorClaim::Honest, record),
        r#"{"type":"join","id":"i","room":"r","lives":true}"#
    );
    let fold = record.fold(seq);
    model.hear(joined(seq, r#""snapshot""#, fold.len() as u64).as_bytes(), record);
    for seq in fold {
        model.hear(record.frame(seq).unwrap().as_bytes(), record);
    }
    assert!(model.is_live(), "{}", model.faults);
    model
}

/// Checks texts: `n` stands for message `n`, other texts for themselves.
fn check(from: u64, texts: &[&str], wanted: &[(Fault, u64)]) -> Model {
    let record = record();
    let mut model = live_at(from, &record);
    for text in texts {
        let text = text.parse().ok().and_then(|seq| record.frame(seq)).unwrap_or(text);
        model.hear(text.as_bytes(), &record);
    }
    let all: u64 = wanted.iter().map(|(_, count)| count).sum();
    let found = wanted.iter().all(|&(fault, count)| model.faults.count(fault) == count);
    assert!(found && model.faults.all() == all, "from {from}: {texts:?}: {}", model.faults);
    model
}

const P1: &str = r#"{"type":"message","key":"p","params":[1]}"#;
const P2: &str = r#"{"type":"message","key":"p","params":[2]}"#;

#[test]
fn a_true_course_has_no_fault() {
    let live = check(0, &["1", "2", "3", "4", P1, "5", "6", P2, r#"{"type":"alive","seq":6}"#], &[]);
    let late = check(4, &[P1, "5", "6"], &[]);
    assert_eq!(live.state().hash(), late.state().hash());
    assert_eq!(live.state().frames().count(), 1);
    assert_eq!((live.ledger().counts(6).received, late.ledger().counts(6).received), (6, 2));
    check(0, &["1", "2", "3", "4", "6"], &[(Fault::Gap, 1)]);
}

#[test]
fn a_lost_a_repeated_and_a_misplaced_message_are_found() {
    assert_eq!(check(0, &["1", "3", "4", "5", "6"], &[(Fault::Gap, 1)]).ledger().counts(6).lost, 1);
    check(0, &["1", "2", "2", "3"], &[(Fault::Repeated, 1)]);
    check(0, &["1", "3", "2", "4"], &[(Fault::Gap, 1), (Fault::OutOfOrder, 1)]);
    check(3, &["3", "4"], &[(Fault::OutOfOrder, 1)]);
    check(5, &[r#"{"type":"message","seq":6,"key":"x","params":[5]}"#], &[(Fault::OtherBytes, 1)]);
    check(6, &[r#"{"type":"message","seq":7,"key":"x","params":[7]}"#], &[(Fault::Unsaid, 1)]);
}

#[test]
fn a_true_skipped_is_let_through_and_a_false_one_is_found() {
    let skipped = |through: u64| format!(r#"{{"type":"skipped","through":{through},"until":{}}}"#, through + 1);
    let counts = check(0, &[&skipped(2), "3", "4", "5"], &[]).ledger().counts(5);
    assert_eq!((counts.superseded, counts.received, counts.lost), (2, 3, 0));
    // The state is the fold again once the newer value has come.
    let model = check(0, &[&skipped(1), "2"], &[]);
    assert!(!model.is_complete() && check(0, &[&skipped(1), "2", "3", "4"], &[]).is_complete());
    // An event is in the hole.
    check(2, &[&skipped(3), "4"], &[(Fault::FalseSkipped, 1)]);
    // The newest value of a key is in the hole.
    check(3, &[&skipped(4), "5"], &[(Fault::FalseSkipped, 1)]);
    // There is no hole, or another one.
    check(2, &[&skipped(2), "3"], &[(Fault::FalseSkipped, 1)]);
    check(0, &[&skipped(1), "3"], &[(Fault::FalseSkipped, 1)]);
    check(0, &[&skipped(1), r#"{"type":"alive","seq":6}"#, "1"], &[(Fault::FalseSkipped, 1)]);
}

#[test]
fn an_ephemeral_message_out_of_its_place_is_found() {
    check(5, &[P1], &[(Fault::OddEphemeral, 1)]);
    check(3, &[P1, "4"], &[(Fault::OddEphemeral, 1)]);
    check(4, &[P1, P1], &[(Fault::OddEphemeral, 1)]);
    check(6, &[P2, P1], &[(Fault::OddEphemeral, 1)]);
    check(6, &[r#"{"type":"message","key":"p","params":[3]}"#], &[(Fault::Unsaid, 1)]);
}

#[test]
fn the_seq_of_an_alive_is_reached_before_the_next_one() {
    let alive = |seq: u64| format!(r#"{{"type":"alive","seq":{seq}}}"#);
    check(3, &[&alive(4), "4", &alive(4)], &[]);
    let mut model = check(3, &[&alive(4)], &[]);
    assert_eq!(model.hear(alive(4).as_bytes(), &record()), Meaning::Reconnect);
    check(6, &[&alive(7)], &[(Fault::Unsaid, 1)]);
}

#[test]
fn forbidden_texts_are_found() {
    check(6, &["x"], &[(Fault::Forbidden, 1)]);
    check(6, &[&joined(6, r#""snapshot""#, 0)], &[(Fault::Forbidden, 1)]);
    check(6, &[r#"{"type":"owner","status":"away","term":1,"awayMs":0}"#], &[(Fault::OddRoom, 1)]);
    check(6, &[r#"{"type":"ack","id":"i","seq":1}"#], &[(Fault::Forbidden, 1)]);
}

/// Cuts a model at `from`, joins again, and reads `answer` and these messages.
fn rejoin(from: u64, claim: CursorClaim, answer: &str, texts: &[&str], wanted: Option<Fault>) -> (Model, Meaning) {
    let record = record();
    let mut model = live_at(from, &record);
    model.cut();
    model.join("i".into(), claim, &record);
    let heard = model.hear(answer.as_bytes(), &record);
    for text in texts {
        let text = text.parse().ok().and_then(|seq| record.frame(seq)).unwrap_or(text);
        model.hear(text.as_bytes(), &record);
    }
    let found = wanted.map_or(model.faults.all() == 0, |fault| model.faults.count(fault) > 0);
    assert!(found, "from {from}: {answer} {texts:?}: {}", model.faults);
    (model, heard)
}

#[test]
fn a_resume_has_every_message_after_the_cursor() {
    let resumed = |seq, replay| joined(seq, r#""resumed""#, replay);
    let (model, heard) = rejoin(3, CursorClaim::Honest, &resumed(5, 2), &["4", "5", "6"], None);
    assert_eq!((heard, model.is_live()), (Meaning::Joined((How::Resumed, None)), true));
    assert_eq!(model.replayed(), 2);
    rejoin(3, CursorClaim::Honest, &resumed(5, 1), &["4", "6"], Some(Fault::FalseResumed));
    rejoin(3, CursorClaim::Honest, &resumed(5, 2), &["4", "6"], Some(Fault::FalseResumed));
    rejoin(3, CursorClaim::Honest, &resumed(5, 2), &["4", P1, "5"], Some(Fault::OddEphemeral));
    rejoin(3, CursorClaim::Honest, &resumed(2, 0), &[], Some(Fault::Forgotten));
    rejoin(3, CursorClaim::Honest, &resumed(7, 4), &[], Some(Fault::Unsaid));
    rejoin(3, CursorClaim::Future, &resumed(6, 3), &[], Some(Fault::FalseResumed));
    // One by one: messages from before a cut stay.
    let (mut model, _) = rejoin(3, CursorClaim::Honest, &resumed(5, 2), &["4"], None);
    model.cut();
    assert_eq!(model.position(), Some(4));
}

#[test]
fn a_reset_has_its_reason_and_the_state() {
    let reset = |seq, reason: &str, replay| joined(seq, &format!(r#""reset","reason":"{reason}""#), replay);
    rejoin(3, CursorClaim::Honest, &reset(4, "retention", 2), &["2", "4"], Some(Fault::FalseReset));
    for (claim, reason, why) in [
        (CursorClaim::Future, "future", Reason::Future),
        (CursorClaim::OtherEpoch, "epoch", Reason::Epoch),
        (CursorClaim::Malformed, "malformed", Reason::Malformed),
    ] {
        let (model, heard) = rejoin(0, claim, &reset(4, reason, 2), &["2", "4", "5", "6"], None);
        assert_eq!(heard, Meaning::Joined((How::Reset, Some(why))));
        assert_eq!(model.ledger().counts(6).reset, 4);
    }
    rejoin(0, CursorClaim::Future, &reset(4, "epoch", 2), &["2", "4"], Some(Fault::FalseReset));
    rejoin(0, CursorClaim::Future, &reset(4, "future", 2), &["1", "2"], Some(Fault::OtherState));
    rejoin(0, CursorClaim::Future, &reset(4, "future", 2), &["4", "4"], Some(Fault::OtherState));
    rejoin(0, CursorClaim::Future, &reset(4, "future", 1), &["4"], Some(Fault::OtherState));
    rejoin(0, CursorClaim::Future, &reset(4, "future", 3), &["2", "3", "4"], Some(Fault::OtherState));
    // Cut inside of it: the old state and cursor stay.
    let (mut model, _) = rejoin(1, CursorClaim::Future, &reset(4, "future", 2), &["2"], None);
    model.cut();
    assert_eq!((model.position(), model.state().seqs().collect()), (Some(1), vec![1]));
}

#[test]
fn a_reset_in_the_stream_is_counted_and_true_only_when_too_much_waited() {
    for (messages, is_true) in [(30, true), (20, false)] {
        let mut record = record();
        let long = format!(r#"["{}"]"#, "x".repeat(10_000));
        (0..messages).for_each(|_| _ = record.say(Effect::Event, "x", &long));
        let mut model = live_at(1, &record);
        let last = record.last();
        let reset = format!(
            r#"{{"type":"reset","reason":"slow","epoch":"e","term":1,"seq":{last},"replay":1,"owner":"live"}}"#
        );
        model.hear(reset.as_bytes(), &record);
        model.hear(record.frame(4).unwrap().as_bytes(), &record);
        let counts = model.ledger().counts(last);
        assert_eq!((counts.reset, counts.received, counts.lost, model.is_live()), (last - 1, 0, 0, true));
        assert_eq!(model.faults.count(Fault::FalseReset), u64::from(!is_true));
        assert_eq!(model.faults.all(), u64::from(!is_true), "{}", model.faults);
    }
}

#[test]
fn a_retention_that_is_over_may_reset() {
    let mut record = Record::new("r", "e", 25_000);
    (0..1_030).for_each(|number| _ = record.say(Effect::Event, "x", &format!("[{number}]")));
    for (from, seq, is_true) in [(0, 1_025, true), (0, 1_024, false), (5, 1_030, true), (6, 1_030, false)] {
        let mut model = live_at(from, &record);
        model.cut();
        model.join("i".into(), CursorClaim::Honest, &record);
        model.hear(joined(seq, r#""reset","reason":"retention""#, 0).as_bytes(), &record);
        assert_eq!(model.faults.all() == 0, is_true, "from {from} to {seq}: {}", model.faults);
    }
}

#[test]
fn a_limited_history_resumes_only_viewers_that_miss_no_more_than_it_holds() {
    let mut record = record();
    record.history_messages = Some(3);
    let reset = || joined(6, r#""reset","reason":"retention""#, 1);
    for (from, answer, seqs, wanted) in [
        (3, joined(6, r#""resumed""#, 3), 4..=6, None),
        (2, joined(6, r#""resumed""#, 4), 3..=6, Some(Fault::FalseResumed)),
        (2, reset(), 4..=4, None),
        (3, reset(), 4..=4, Some(Fault::FalseReset)),
    ] {
        let mut model = Model::from(from, &record);
        let cursor = format!(r#""cursor":{{"epoch":"e","seq":{from}}}"#);
        assert!(model.join("i".into(), CursorClaim::Honest, &record).contains(&cursor));
        model.hear(answer.as_bytes(), &record);
        for seq in seqs {
            model.hear(record.frame(seq).unwrap().as_bytes(), &record);
        }
        let found = wanted.map_or(0, |fault| model.faults.count(fault));
        assert_eq!((found, model.faults.all()), (u64::from(wanted.is_some()), found), "{answer}: {}", model.faults);
        assert_eq!(model.state().seqs().collect::<Vec<_>>(), [4]);
    }
}

#[test]
fn what_was_acknowledged_before_the_question_is_in_the_answer() {
    let mut record = record();
    record.acked = 6;
    let mut model = Model::default();
    model.join("i".into(), CursorClaim::Honest, &record);
    model.hear(joined(5, r#""snapshot""#, 1).as_bytes(), &record);
    assert_eq!(model.faults.count(Fault::Forgotten), 1);
}

#[test]
fn a_pause_ends_like_a_join_and_what_was_on_its_way_comes_before() {
    let record = record();
    for (answer, texts, wanted) in [
        (joined(6, r#""resumed""#, 2), ["5", "6"], None),
        (joined(6, r#""resumed""#, 3), ["4", "5"], Some(Fault::FalseResumed)),
        (joined(4, r#""snapshot""#, 2), ["2", "4"], Some(Fault::Forbidden)),
    ] {
        let mut model = live_at(3, &record);
        assert_eq!(model.unpause("i".into(), &record), r#"{"type":"unpause","id":"i"}"#);
        model.hear(record.frame(4).unwrap().as_bytes(), &record);
        assert!(matches!(model.hear(answer.as_bytes(), &record), Meaning::Joined(_)));
        for seq in texts {
            model.hear(record.frame(seq.parse().unwrap()).unwrap().as_bytes(), &record);
        }
        let found = wanted.map_or(model.faults.all() == 0, |fault| model.faults.count(fault) > 0);
        assert!(found, "{answer}: {}", model.faults);
    }
}

#[test]
fn only_terms_that_there_may_be_come_in_their_order_and_only_an_owner_that_may_be_away_is() {
    let hears = |term, may_be_away, told: &[(&str, u64)]| {
        let mut record = record();
        (record.term, record.may_be_away) = (term, may_be_away);
        let mut model = live_at(6, &record);
        for (status, term) in told {
            let away = if *status == "away" { r#","awayMs":0"# } else { "" };
            let owner = format!(r#"{{"type":"owner","status":"{status}","term":{term}{away}}}"#);
            model.hear(owner.as_bytes(), &record);
        }
        model.hear(br#"{"type":"draining","reconnectInMs":5}"#, &record);
        (model.faults.count(Fault::OddRoom), model.faults.count(Fault::Forbidden), model.faults.all())
    };
    assert_eq!(hears(3, true, &[("away", 1), ("live", 2), ("away", 2), ("live", 3)]), (0, 0, 0));
    assert_eq!(hears(3, true, &[("live", 4)]), (1, 0, 1));
    assert_eq!(hears(3, true, &[("live", 3), ("live", 2)]), (1, 0, 1));
    assert_eq!(hears(1, false, &[("away", 1)]), (1, 1, 2));
}

#[test]
fn a_viewer_that_asks_from_the_first_message_on_must_get_all() {
    let record = record();
    for (replay, lost) in [(6, 0), (5, 1)] {
        let mut model = Model::from_the_first();
        let join = model.join("i".into(), CursorClaim::Honest, &record);
        assert_eq!(join, r#"{"type":"join","id":"i","room":"r","cursor":{"epoch":"e","seq":0},"lives":true}"#);
        model.hear(joined(6, r#""resumed""#, replay).as_bytes(), &record);
        for seq in 7 - replay..=6 {
            model.hear(record.frame(seq).unwrap().as_bytes(), &record);
        }
        assert_eq!((model.faults.all() == 0, model.ledger().counts(6).lost), (lost == 0, lost), "{}", model.faults);
    }
}
