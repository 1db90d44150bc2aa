//! The notices of holes in a protocol that has words for them: superseded values, losses, replays and pauses.

use super::*;

const SKIPPED: u32 = 5_000;

/// A dialect that has words for holes.
static TELLING: Dialect = Dialect {
    write: |notice| match notice {
        Notice::Skipped { through, .. } => Some(bytes(SKIPPED + u32::try_from(through.get()).unwrap(), 0)),
        _ => None,
    },
    on_overflow: OnOverflow::Reset,
    ..NUMBERED
};

/// A backlog in `TELLING` of a member that stands at 0, and frames by their numbers: `key` is 0 for an event.
fn said(messages: &[(u64, u8)], limit: usize) -> Backlog {
    let mut backlog = Backlog::new(&TELLING, Seq::ZERO);
    messages.iter().for_each(|(seq, key)| backlog.push(numbered(*seq, *key), Duration::ZERO, limit).unwrap());
    backlog
}

fn numbered(seq: u64, key: u8) -> Frame {
    let rank = if key == 0 { Rank::Event } else { Rank::State(Key::new(&key.to_string()).unwrap()) };
    Frame { bytes: bytes(u32::try_from(seq).unwrap(), 0), rank, seq: Seq::new(seq) }
}

/// Writes everything, one take at a time of at most `frames_max`.
fn written(backlog: &mut Backlog, frames_max: usize) -> Vec<Vec<u32>> {
    let mut takes = Vec::new();
    loop {
        let mut frames = Vec::new();
        backlog.take(&mut frames, frames_max, 1_000, Duration::ZERO);
        if frames.is_empty() {
            return takes;
        }
        let out = frames.concat();
        backlog.advance(out.len());
        takes.push(numbers(&out));
    }
}

#[test]
fn a_hole_is_told_directly_before_the_message_behind_it_in_the_same_write() {
    // The key of each message, 0 for an event.
    let cases: [(&[u8], &[u32]); 4] = [
        (&[1, 2, 0], &[1, 2, 3]),
        (&[1, 0, 1], &[SKIPPED + 1, 2, 3]),
        (&[1, 2, 1, 2], &[SKIPPED + 2, 3, 4]),
        (&[1, 0, 2, 1, 2], &[SKIPPED + 1, 2, SKIPPED + 3, 4, 5]),
    ];
    for (keys, expected) in cases {
        let messages: Vec<(u64, u8)> = (1..).zip(keys.iter().copied()).collect();
        for frames_max in 1..4 {
            let mut backlog = said(&messages, usize::MAX);
            let takes = written(&mut backlog, frames_max);
            assert_eq!(takes.concat(), expected, "{messages:?}");
            assert!(takes.iter().all(|take| take.last().unwrap() < &SKIPPED), "parted: {takes:?}");
            assert_eq!(backlog.reached().get(), keys.len() as u64);
        }
    }
}

#[test]
fn a_member_over_its_limit_loses_messages_and_keeps_its_answers() {
    let mut backlog = said(&[(1, 0), (2, 1)], LIMIT);
    backlog.push(Frame::answer(bytes(7, 0)), Duration::ZERO, LIMIT).unwrap();
    backlog.push(Frame { bytes: bytes(3, LIMIT), ..numbered(3, 0) }, Duration::ZERO, LIMIT).unwrap();
    assert!(backlog.is_lost() && !backlog.wants_state(), "the answer is still to go");
    backlog.push(numbered(4, 0), Duration::ZERO, LIMIT).unwrap();
    assert_eq!(written(&mut backlog, 9), [[7]]);
    assert!(backlog.wants_state() && !backlog.is_empty());
    backlog.order_state();
    assert!(!backlog.wants_state(), "once");
    backlog.push(numbered(5, 0), Duration::ZERO, LIMIT).unwrap();
    backlog.replay(state(5));
    backlog.push(numbered(6, 0), Duration::ZERO, LIMIT).unwrap();
    assert_eq!(written(&mut backlog, 99).concat(), [1_000, 1, 2, 3, 4, 5, 6]);
    assert_eq!(backlog.reached().get(), 6);
    assert!(backlog.is_empty());
}

#[test]
fn answers_alone_over_the_limit_are_too_much() {
    let mut backlog = Backlog::new(&TELLING, Seq::ZERO);
    let answer = || Frame::answer(bytes(1, LIMIT / 2));
    assert_eq!(backlog.push(answer(), Duration::ZERO, LIMIT), Ok(()));
    assert_eq!(backlog.push(answer(), Duration::ZERO, LIMIT), Err(Overflow));
}

#[test]
fn messages_lost_during_a_replay_are_made_up_for_after_it() {
    let mut backlog = Backlog::new(&TELLING, Seq::ZERO);
    backlog.replay(state(2));
    backlog.push(numbered(3, 0), Duration::ZERO, LIMIT).unwrap();
    backlog.push(Frame { bytes: bytes(4, LIMIT), ..numbered(4, 0) }, Duration::ZERO, LIMIT).unwrap();
    assert!(backlog.is_lost() && !backlog.wants_state(), "the replay is to go first");
    assert_eq!(written(&mut backlog, 99).concat(), [1_000, 1, 2]);
    assert!(backlog.wants_state());
}

#[test]
fn a_pause_drops_messages_but_neither_answers_nor_replays() {
    let mut backlog = said(&[(1, 0), (2, 1)], usize::MAX);
    backlog.push(Frame::answer(bytes(7, 0)), Duration::ZERO, usize::MAX).unwrap();
    let mut frames = Vec::new();
    backlog.take(&mut frames, 1, 99, Duration::ZERO);
    backlog.pause();
    backlog.advance(frames.concat().len());
    assert_eq!((numbers(&frames.concat()), backlog.reached().get()), (vec![1], 1));
    backlog.replay(state(4));
    backlog.pause();
    assert!(backlog.is_replaying());
    assert_eq!(written(&mut backlog, 99).concat(), [7, 1_000, 1, 2, 3, 4]);
    assert!(!backlog.is_replaying());
    assert_eq!(backlog.reached().get(), 4);
}

#[test]
fn a_hole_that_is_out_is_not_parted_from_the_message_behind_it() {
    let message = numbered(3, 1);
    let frames = Frame::with_holes([message].into_iter(), Seq::new(1).unwrap(), Seq::new(9).unwrap(), &TELLING);
    let hole = frames[0].bytes.len();
    for (written, expected) in [(0, [SKIPPED + 3, 4].as_slice()), (2, &[SKIPPED + 2, 3, 4]), (hole, &[3, 4])] {
        let mut backlog = Backlog::new(&TELLING, Seq::new(1).unwrap());
        backlog.adopt(&frames, written, Duration::ZERO, usize::MAX).unwrap();
        // Would supersede what waits.
        backlog.push(numbered(4, 1), Duration::ZERO, usize::MAX).unwrap();
        let mut out = frames[0].bytes[..written].to_vec();
        while !backlog.is_empty() {
            let mut taken = Vec::new();
            let offset = backlog.take(&mut taken, 99, 1_000, Duration::ZERO);
            out.extend(&taken.concat()[offset..]);
            backlog.advance(taken.concat().len() - offset);
        }
        let out = if written == hole { out.split_off(hole) } else { out };
        assert_eq!(numbers(&out), expected, "{written} bytes of the hole were out");
        assert_eq!(backlog.reached().get(), 4);
    }
}

#[test]
fn an_end_that_is_decided_while_a_hole_is_written_does_not_part_it_from_its_message() {
    let frames = Frame::with_holes([numbered(3, 1)].into_iter(), Seq::new(1).unwrap(), Seq::new(9).unwrap(), &TELLING);
    let mut backlog = Backlog::new(&TELLING, Seq::new(1).unwrap());
    backlog.control(ControlKind::Pong, bytes(90, 0));
    backlog.finish(bytes(91, 0));
    backlog.adopt(&frames, frames[0].bytes.len(), Duration::ZERO, usize::MAX).unwrap();
    let mut out = Vec::new();
    while !backlog.is_empty() {
        let mut taken = Vec::new();
        backlog.take(&mut taken, 99, 1_000, Duration::ZERO);
        backlog.advance(taken.concat().len());
        out.extend(taken.concat());
    }
    assert_eq!(numbers(&out), [3, 90, 91]);
}

#[test]
fn after_a_cut_what_was_taken_and_is_not_being_written_goes_too() {
    let mut backlog = said(&[(1, 0), (2, 0), (3, 0)], usize::MAX);
    let mut frames = Vec::new();
    backlog.take(&mut frames, 3, 1_000, Duration::ZERO);
    // The first is out, and a part of the second.
    backlog.advance(frames[0].len() + 2);
    backlog.cut(bytes(CLOSE, 0));
    frames.clear();
    assert_eq!(backlog.take(&mut frames, 9, 1_000, Duration::ZERO), 2);
    assert_eq!(numbers(&frames.concat()), [2], "the third is not half out");
}
