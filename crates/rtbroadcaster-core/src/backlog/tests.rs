//! The backlog against a model: what comes out, byte by byte, is what a member may see.

mod ephemeral;
mod holes;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::id::{RoomId, Seq, Term};
use crate::message::{Change, Entry, Key, Params, Written};
use crate::protocol::classic;
use crate::random::SEEDED;

/// Space for some frames.
const LIMIT: usize = 6 * queue::FRAME_OVERHEAD_BYTES + 120;

/// A frame of `size` + 6 bytes that can be told from all others: its length, its number, its filling.
fn bytes(number: u32, size: usize) -> Bytes {
    let mut bytes = u16::try_from(size).unwrap().to_be_bytes().to_vec();
    bytes.extend(number.to_be_bytes());
    bytes.resize(6 + size, 0xee);
    bytes.into()
}

/// The numbers of the frames in `stream`, which must end at a frame boundary.
fn numbers(mut stream: &[u8]) -> Vec<u32> {
    let mut numbers = Vec::new();
    while let [high, low, rest @ ..] = stream {
        let (number, rest) = rest.split_at(4);
        numbers.push(u32::from_be_bytes(number.try_into().unwrap()));
        stream = &rest[usize::from(u16::from_be_bytes([*high, *low]))..];
    }
    numbers
}

#[derive(Debug, Clone)]
enum Step {
    Push {
        key: Option<u8>,
        ephemeral: bool,
        size: usize,
    },
    Control(ControlKind),
    /// A lane writes that many bytes of these frames directly; only while nothing waits.
    Direct {
        sizes: Vec<usize>,
        bytes: usize,
    },
    /// Take, let the given steps happen meanwhile, then write that many bytes of it.
    Write {
        frames_max: usize,
        bytes_max: usize,
        meanwhile: Vec<Step>,
        bytes: usize,
    },
    Finish,
    Cut,
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    let change = prop_oneof![
        10 => (prop::option::weighted(0.7, 0..3_u8), any::<bool>(), prop_oneof![9 => 0..40_usize, 1 => 0..LIMIT + 50])
            .prop_map(|(key, ephemeral, size)| Step::Push { key, ephemeral, size }),
        2 => prop_oneof![Just(ControlKind::Ping), Just(ControlKind::Pong)].prop_map(Step::Control),
        1 => Just(Step::Finish),
        1 => Just(Step::Cut),
        2 => Just(Step::Wait),
    ]
    .boxed();
    let write = (1..6_usize, 1..200_usize, prop::collection::vec(change.clone(), 0..4), 0..150_usize)
        .prop_map(|(frames_max, bytes_max, meanwhile, bytes)| Step::Write { frames_max, bytes_max, meanwhile, bytes });
    let direct = (prop::collection::vec(0..40_usize, 1..4), 0..150_usize)
        .prop_map(|(sizes, bytes)| Step::Direct { sizes, bytes });
    prop_oneof![4 => change, 2 => write, 1 => direct]
}

/// What the model knows of one pushed frame.
#[derive(Debug, Clone)]
struct Pushed {
    number: u32,
    rank: Rank,
}

const CONTROL: u32 = 1 << 30;
const CLOSE: u32 = 1 << 31;

struct Run {
    backlog: Backlog,
    /// Data frames that were accepted, in order.
    pushed: Vec<Pushed>,
    /// Every byte that was written.
    out: Vec<u8>,
    cut: bool,
    finished: bool,
    /// More might have waited than may, so what is ephemeral may be missing.
    was_full: bool,
    number: u32,
    now: Duration,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            backlog: Backlog::new(&NUMBERED, Seq::ZERO),
            pushed: Vec::new(),
            out: Vec::new(),
            cut: false,
            finished: false,
            was_full: false,
            number: 0,
            now: Duration::ZERO,
        }
    }
}

impl Run {
    fn step(&mut self, step: Step) {
        self.number += 1;
        match step {
            Step::Push { key, ephemeral, size } => {
                let rank = match key.map(|key| Key::new(&format!("k{key}")).unwrap()) {
                    None => Rank::Event,
                    Some(key) if ephemeral => Rank::Ephemeral(key),
                    Some(key) => Rank::State(key),
                };
                let frame = Frame { bytes: bytes(self.number, size), rank: rank.clone(), seq: None };
                let (accepts, waited) = (self.backlog.ending() == Ending::Open, self.backlog.bytes());
                self.was_full |= waited + 6 + size + queue::FRAME_OVERHEAD_BYTES > LIMIT;
                match self.backlog.push(frame, self.now, LIMIT) {
                    Ok(()) if accepts => {
                        let alone = 6 + size + queue::FRAME_OVERHEAD_BYTES;
                        assert!(self.backlog.bytes() <= LIMIT.max(waited).max(alone), "the limit holds");
                        self.pushed.push(Pushed { number: self.number, rank });
                    }
                    Ok(()) => {}
                    Err(Overflow) => {}
                }
            }
            Step::Direct { sizes, bytes: written } => {
                if !self.backlog.is_empty() || self.backlog.ending() != Ending::Open {
                    return;
                }
                let frames: Vec<Frame> = sizes
                    .into_iter()
                    .map(|size| {
                        self.number += 1;
                        Frame::event(bytes(self.number, size))
                    })
                    .collect();
                let stream: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
                let written = written.min(stream.len());
                self.out.extend(&stream[..written]);
                self.backlog.adopt(&frames, written, self.now, usize::MAX).unwrap();
                let said = frames.iter().map(|frame| u32::from_be_bytes(frame.bytes[2..6].try_into().unwrap()));
                self.pushed.extend(said.map(|number| Pushed { number, rank: Rank::Event }));
            }
            Step::Control(kind) => self.backlog.control(kind, bytes(CONTROL | self.number, 2)),
            Step::Write { frames_max, bytes_max, meanwhile, bytes } => {
                let mut frames = Vec::new();
                let offset = self.backlog.take(&mut frames, frames_max, bytes_max, self.now);
                meanwhile.into_iter().for_each(|step| self.step(step));
                let stream: Vec<u8> = frames.concat().split_off(offset);
                let written = bytes.min(stream.len());
                self.out.extend(&stream[..written]);
                if !frames.is_empty() {
                    self.backlog.advance(written);
                }
            }
            Step::Finish => {
                self.finished = true;
                self.backlog.finish(bytes(CLOSE, 0));
            }
            Step::Cut => {
                self.backlog.cut(bytes(CLOSE, 1));
                self.cut = true;
            }
            Step::Wait => self.now += Duration::from_secs(1),
        }
    }

    fn drain(&mut self) {
        while !self.backlog.is_empty() {
            self.step(Step::Write { frames_max: 3, bytes_max: 50, meanwhile: vec![], bytes: 7 });
        }
    }

    /// The invariant: a subsequence of what was said, in order, and in the end the newest value of every key.
    fn check(mut self) {
        self.drain();
        let out = numbers(&self.out);
        let data: Vec<u32> = out.iter().copied().filter(|number| number & (CONTROL | CLOSE) == 0).collect();
        let mut rest = self.pushed.iter();
        for number in &data {
            assert!(rest.any(|pushed| pushed.number == *number), "{number} is out of order or repeated in {data:?}");
        }
        if !self.cut {
            let newest: BTreeMap<String, u32> =
                self.pushed.iter().map(|pushed| (format!("{:?}", pushed.rank), pushed.number)).collect();
            for pushed in &self.pushed {
                let is_newest = newest[&format!("{:?}", pushed.rank)] == pushed.number;
                let may_go = pushed.rank.is_ephemeral() && self.was_full;
                let must_come = pushed.rank == Rank::Event || (is_newest && !may_go);
                assert!(!must_come || data.contains(&pushed.number), "{pushed:?} is missing in {data:?}");
            }
        }
        let ended = self.cut || self.finished;
        assert_eq!(out.iter().filter(|number| **number == CLOSE).count(), usize::from(ended), "one close");
        assert!(!ended || out.last() == Some(&CLOSE), "nothing after the close");
        assert_eq!(self.backlog.is_closed(), ended);
        assert_eq!(self.backlog.bytes(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_comes_out_is_a_subsequence_that_ends_with_the_newest_of_every_key(
        steps in prop::collection::vec(step(), 0..80)
    ) {
        let mut run = Run::default();
        steps.into_iter().for_each(|step| run.step(step));
        run.check();
    }
}

/// Pushes one frame per step: `e` an event, a digit a state key, `*` takes one frame for a write that blocks.
/// Gives the numbers (from 1) that come out.
fn order(script: &str) -> Vec<u32> {
    let mut run = Run::default();
    for step in script.chars() {
        match step {
            '*' => run.step(Step::Write { frames_max: 1, bytes_max: 1, meanwhile: vec![], bytes: 0 }),
            'e' => run.step(Step::Push { key: None, ephemeral: false, size: 0 }),
            digit => {
                let key = Some(u8::try_from(digit).unwrap());
                run.step(Step::Push { key, ephemeral: false, size: 0 });
            }
        }
    }
    run.drain();
    numbers(&run.out)
}

#[test]
fn a_newer_value_removes_the_waiting_one_and_stands_at_the_end() {
    let cases: [(&str, &[u32]); 5] = [
        ("123", &[1, 2, 3]),
        ("1e1", &[2, 3]),
        ("1e2e1e2", &[2, 4, 5, 6, 7]),
        ("1*1", &[1, 3]),
        ("1*e1e1", &[1, 3, 5, 6]),
    ];
    for (script, expected) in cases {
        assert_eq!(order(script), expected, "{script}");
    }
}

#[test]
fn one_key_that_changes_for_ever_costs_the_memory_of_one_value() {
    let mut queue = FrameQueue::default();
    let key = Key::new("k").unwrap();
    for number in 0..10_000 {
        queue.push(Frame { bytes: bytes(number, 3), rank: Rank::State(key.clone()), seq: None }, Duration::ZERO);
        assert!(queue.frames.places_len() <= 64, "gaps are closed");
    }
    assert_eq!(queue.bytes(), 9 + queue::FRAME_OVERHEAD_BYTES);
}

#[test]
fn after_a_cut_only_the_half_written_frame_goes_on() {
    for (written, expected) in [(0, vec![CLOSE]), (3, vec![1, CLOSE]), (7, vec![1, 2, CLOSE]), (6, vec![1, CLOSE])] {
        let mut run = Run::default();
        for _ in 0..3 {
            run.step(Step::Push { key: None, ephemeral: false, size: 0 });
        }
        run.number = 0;
        run.step(Step::Write { frames_max: 9, bytes_max: 99, meanwhile: vec![Step::Cut], bytes: written });
        run.drain();
        assert_eq!(numbers(&run.out), expected, "{written} bytes were out");
    }
}

#[test]
fn a_frame_over_the_limit_goes_alone_but_not_behind_another() {
    let mut backlog = Backlog::new(&NUMBERED, Seq::ZERO);
    let big = || Frame::event(bytes(1, LIMIT));
    assert_eq!(backlog.push(big(), Duration::ZERO, LIMIT), Ok(()));
    assert_eq!(backlog.push(Frame::event(bytes(2, 0)), Duration::ZERO, LIMIT), Err(Overflow));
    assert_eq!(backlog.push(Frame::event(bytes(2, 0)), Duration::ZERO, usize::MAX), Ok(()), "without a limit");
}

#[test]
fn sixteen_pings_are_answered_in_order_and_of_more_only_the_newest() {
    let mut backlog = Backlog::new(&NUMBERED, Seq::ZERO);
    backlog.control(ControlKind::Ping, bytes(100, 0));
    for number in 1..=40 {
        backlog.control(ControlKind::Pong, bytes(number, 0));
    }
    backlog.control(ControlKind::Ping, bytes(101, 0));
    let mut frames = Vec::new();
    backlog.take(&mut frames, 99, 999, Duration::ZERO);
    let answered = (1..16).chain([40]);
    assert_eq!(numbers(&frames.concat()), [101].into_iter().chain(answered).collect::<Vec<_>>());
}

/// A dialect without a word.
static MUTE: Dialect = Dialect { write: |_| None, encode: |_, _| None, ..classic::DIALECT };

/// A dialect that writes an entry as its number.
static NUMBERED: Dialect = Dialect {
    encode: |entry, params| {
        let mut frame = bytes(u32::try_from(entry.seq?.get()).ok()?, 20).to_vec();
        frame.truncate(frame.len() - params.as_bytes().len());
        frame.extend(params.as_bytes());
        Some(Written { frame: frame.into(), tail: 0 })
    },
    ..MUTE
};

/// An announcement and the values 1 to `count`.
fn state(count: u64) -> Replay {
    let value = |number: u64| {
        let key = Key::new(&number.to_string()).unwrap();
        Arc::new(Entry::new(RoomId::random(&SEEDED), Seq::new(number), Term::FIRST, key, Params::NONE, Change::State))
    };
    Replay {
        announcement: bytes(1_000, 0),
        entries: (1..=count).map(value).collect(),
        seq: Seq::new(count).unwrap(),
        hold: Hold::default(),
    }
}

#[test]
fn a_replay_has_to_be_taken_at_a_pace_however_often_a_frame_of_it_goes() {
    const STALL: Duration = Duration::from_secs(10);
    let at = Duration::from_secs;
    static RAW: Dialect = Dialect {
        encode: |_, params| Some(Written { frame: Bytes::copy_from_slice(params.as_bytes()), tail: 0 }),
        ..MUTE
    };
    let mut backlog = Backlog::new(&RAW, Seq::ZERO);
    let big = Params::from_json(&format!("[\"{}\"]", "x".repeat(20_000))).unwrap();
    let entry = |number: u64| {
        let key = Key::new(&number.to_string()).unwrap();
        Arc::new(Entry::new(RoomId::random(&SEEDED), Seq::new(number), Term::FIRST, key, big.clone(), Change::State))
    };
    backlog.replay(Replay { entries: (1..=8).map(entry).collect(), ..state(8) });
    assert_eq!(backlog.stalls_at(STALL), None, "nothing is taken yet");
    let mut frames = Vec::new();
    for second in [100, 109, 118, 127] {
        backlog.take(&mut frames, 1, 1, at(second));
        // 160 KB in 78 s, and the stall limit.
        assert_eq!(backlog.stalls_at(STALL), Some(at((second + 10).min(188))), "at {second}");
        let length = frames.drain(..).map(|frame| frame.len()).sum();
        backlog.advance(length);
    }
    backlog.take(&mut frames, 1, 1, at(185));
    assert_eq!(backlog.stalls_at(STALL), Some(at(188)), "too slow in all, though the last frame has just been taken");
    backlog.advance(frames.concat().len());
    backlog.take(&mut frames, 99, usize::MAX, at(186));
    frames.clear();
    assert!(backlog.stalls_at(STALL).is_some_and(|end| end == at(196)), "only the last frames wait");
}

#[test]
fn a_replay_is_outside_the_limit_and_comes_before_what_was_said_since() {
    let mut run = Run::default();
    run.backlog.replay(state(50));
    run.step(Step::Push { key: None, ephemeral: false, size: 0 });
    assert_eq!(run.backlog.bytes(), 6 + queue::FRAME_OVERHEAD_BYTES);
    run.drain();
    let expected: Vec<u32> = [1_000].into_iter().chain(1..=50).chain([1]).collect();
    assert_eq!(numbers(&run.out), expected);
}

#[test]
fn what_waited_before_a_replay_was_asked_for_comes_before_it() {
    let mut run = Run::default();
    run.step(Step::Push { key: None, ephemeral: false, size: 0 });
    run.step(Step::Push { key: None, ephemeral: false, size: 0 });
    run.backlog.replay(state(1));
    run.step(Step::Push { key: None, ephemeral: false, size: 0 });
    run.drain();
    assert_eq!(numbers(&run.out), [1, 2, 1_000, 1, 3]);
}

#[test]
fn what_stands_behind_a_replay_has_not_waited_for_the_member() {
    let mut backlog = Backlog::new(&NUMBERED, Seq::ZERO);
    let seconds = Duration::from_secs;
    backlog.replay(state(1));
    backlog.push(Frame::event(bytes(1, 0)), seconds(1), LIMIT).unwrap();
    let mut write = |now| {
        let mut frames = Vec::new();
        backlog.take(&mut frames, 1, 99, now);
        let since = backlog.waiting_since();
        backlog.advance(frames.concat().len());
        (numbers(&frames.concat()), since)
    };
    assert_eq!(write(seconds(5)), (vec![1_000], Some(seconds(5))));
    assert_eq!(write(seconds(30)), (vec![1], Some(seconds(30))));
    assert_eq!(write(seconds(60)), (vec![1], Some(seconds(60))), "the replay ran out just now");
}

#[test]
fn the_age_of_the_head_is_the_time_since_it_was_pushed() {
    let mut backlog = Backlog::new(&NUMBERED, Seq::ZERO);
    let seconds = Duration::from_secs;
    assert_eq!(backlog.waiting_since(), None);
    backlog.push(Frame::event(bytes(1, 0)), seconds(1), LIMIT).unwrap();
    backlog.push(Frame::event(bytes(2, 0)), seconds(2), LIMIT).unwrap();
    let mut frames = Vec::new();
    backlog.take(&mut frames, 9, 99, seconds(3));
    assert_eq!(backlog.waiting_since(), Some(seconds(1)));
    backlog.advance(6);
    assert_eq!(backlog.waiting_since(), Some(seconds(2)));
}
