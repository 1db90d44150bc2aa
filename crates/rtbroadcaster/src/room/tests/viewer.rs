//! A viewer that keeps the rules of PROTOCOL.md for clients, and believes nothing that it can check.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use rtbroadcaster_core::id::{Epoch, Seq, Term};
use rtbroadcaster_core::message::{Change, Entry};
use rtbroadcaster_core::protocol::v2;
use rtbroadcaster_core::standing::{CursorScope, Standing};
use serde_json::Value;

/// Where the room stands while the viewer hears something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub(super) seq: u64,
    pub(super) term: Term,
}

/// What a viewer of this room holds: the number of each key's value.
type Values = BTreeMap<String, u64>;

#[derive(Debug)]
struct Coming {
    /// How many frames are to come.
    missing: u64,
    /// Where it leads.
    epoch: Option<Epoch>,
    seq: u64,
    /// What has come.
    state: Values,
}

#[derive(Debug, Default)]
pub(super) struct Viewer {
    epoch: Option<Epoch>,
    seq: u64,
    state: Values,
    /// The lease that it was sent.
    term: u64,
    /// Bytes of a frame that is not whole.
    partial: Vec<u8>,
    /// A state that is coming, which counts only when it is whole.
    coming: Option<Coming>,
    /// How many frames of what it missed are to come, before anything else.
    missed: u64,
    /// It was sent that everything up to here which did not come was superseded.
    skipped: Option<u64>,
    /// How often it must be sent that it lost messages.
    losses: u32,
    is_paused: bool,
    /// Whether it was sent that the room has ended.
    is_closed: bool,
    /// It was sent a hole, and has its newer values when it comes to this number: until then its state is that of no
    /// moment.
    tear: u64,
}

impl Viewer {
    pub(super) fn cursor(&self) -> Option<(Epoch, Seq)> {
        Some((self.epoch.clone()?, Seq::new(self.seq).unwrap()))
    }

    /// Which cursors it understands: where its own stands for no moment, it may not go on in another life, in which the
    /// newer values may be missing.
    pub(super) fn reach(&self) -> CursorScope {
        if self.seq < self.tear { CursorScope::OneLife } else { CursorScope::AllLives }
    }

    /// Its connection is gone, and with it what had not come.
    pub(super) fn was_cut(&mut self) {
        self.partial.clear();
        self.coming = None;
        self.missed = 0;
        self.skipped = None;
        self.losses = 0;
        self.is_paused = false;
        self.is_closed = false;
        self.term = 0;
    }

    /// It asks for messages again that it has seen.
    pub(super) fn goes_back_to(&mut self, epoch: &Epoch, seq: Seq) {
        if self.epoch.as_ref() == Some(epoch) {
            self.seq = self.seq.min(seq.get());
        }
    }

    pub(super) fn loses(&mut self) {
        self.losses += 1;
    }

    pub(super) fn pauses(&mut self) {
        self.is_paused = true;
    }

    pub(super) fn unpauses(&mut self) {
        self.is_paused = false;
    }

    /// Takes bytes, and every frame that is whole with them.
    pub(super) fn hear<'a>(&mut self, bytes: &[u8], room: Progress, entry: impl Fn(u64) -> &'a Arc<Entry>) {
        self.partial.extend_from_slice(bytes);
        loop {
            let header = match self.partial.get(1) {
                Some(126) => 4,
                Some(127) | None => return,
                Some(_) => 2,
            };
            let length = match self.partial.get(1..header) {
                None => return,
                Some([length]) => usize::from(*length),
                Some([_, high, low]) => usize::from(u16::from_be_bytes([*high, *low])),
                Some(_) => unreachable!("a header has two or four bytes here"),
            };
            if self.partial.len() < header + length {
                return;
            }
            let frame = Bytes::from(self.partial.drain(..header + length).collect::<Vec<_>>());
            assert_eq!(frame[0], 0x81, "not at a frame boundary");
            let said: Value = serde_json::from_slice(&frame[header..]).unwrap();
            self.hear_frame(&said, &frame, room, &entry);
        }
    }

    fn hear_frame<'a>(&mut self, said: &Value, frame: &Bytes, room: Progress, entry: &impl Fn(u64) -> &'a Arc<Entry>) {
        let number = |name: &str| said[name].as_u64().unwrap();
        let kind = said["type"].as_str().unwrap();
        assert!(!self.is_closed, "{said} after the end");
        let is_whole = self.coming.is_none() && self.missed == 0 && self.skipped.is_none();
        match kind {
            "joined" => {
                assert!(is_whole, "{said} in the middle of something");
                self.hear_term(number("term"), room);
                let epoch = Epoch::from_wire(said["epoch"].as_str().unwrap());
                match said["how"].as_str().unwrap() {
                    "resumed" => {
                        self.epoch = epoch;
                        assert_eq!(self.seq + number("replay"), number("seq"), "resumed over a hole");
                        self.missed = number("replay");
                    }
                    _ => self.expect_state(epoch, number("seq"), number("replay")),
                }
            }
            "reset" => {
                assert!(is_whole, "{said} in the middle of something");
                assert!(self.losses > 0, "reset though nothing was lost");
                self.losses -= 1;
                self.hear_term(number("term"), room);
                self.expect_state(Epoch::from_wire(said["epoch"].as_str().unwrap()), number("seq"), number("replay"));
            }
            "owner" => {
                assert!(self.coming.is_none() && self.missed == 0, "{said} in a replay");
                self.hear_term(number("term"), room);
            }
            "skipped" => {
                assert!(is_whole, "{said} in the middle of something");
                self.skipped = Some(number("through"));
                assert!(number("until") > number("through"), "{said}: the message behind it comes first");
                self.tear = self.tear.max(number("until"));
            }
            "message" => self.hear_message(said, frame, room, entry),
            "closed" => {
                assert!(is_whole, "{said} in the middle of something");
                self.is_closed = true;
            }
            other => panic!("{other} was said"),
        }
    }

    fn expect_state(&mut self, epoch: Option<Epoch>, seq: u64, replay: u64) {
        self.coming = Some(Coming { missing: replay, epoch, seq, state: Values::new() });
        self.take_state_if_whole();
    }

    fn take_state_if_whole(&mut self) {
        if let Some(Coming { epoch, seq, state, .. }) = self.coming.take_if(|coming| coming.missing == 0) {
            (self.epoch, self.seq, self.state, self.tear) = (epoch, seq, state, 0);
        }
    }

    fn hear_term(&mut self, term: u64, room: Progress) {
        assert!(term >= self.term, "an older lease was told");
        assert!(term <= room.term.get());
        self.term = term;
    }

    fn hear_message<'a>(
        &mut self,
        said: &Value,
        frame: &Bytes,
        room: Progress,
        entry: &impl Fn(u64) -> &'a Arc<Entry>,
    ) {
        let Some(seq) = said["seq"].as_u64() else {
            assert!(self.coming.is_none() && self.missed == 0, "an ephemeral message in a replay");
            assert!(self.skipped.is_none(), "an ephemeral message behind `skipped`");
            return assert_eq!(said["params"][0].as_u64(), Some(self.term), "of another owner than was told");
        };
        let sent = entry(seq);
        assert_eq!(v2::DIALECT.frame(sent).as_ref(), Some(frame), "other bytes");
        if let Some(Coming { missing, seq: last, state, .. }) = &mut self.coming {
            assert!(seq <= *last && sent.change == Change::State, "{said} is no part of the state at {last}");
            assert!(state.values().all(|before| *before < seq), "{said} is not in the order of last change");
            state.insert(sent.key.as_str().to_owned(), seq);
            *missing -= 1;
            return self.take_state_if_whole();
        }
        match self.skipped.take() {
            None => assert_eq!(seq, self.seq + 1, "a hole that was not told"),
            Some(through) => {
                assert_eq!(seq, through + 1, "`skipped` does not stand before the message after the hole");
                assert!(self.missed == 0 && through > self.seq, "a hole that is none");
                for hole in self.seq + 1..=through {
                    let skipped = entry(hole);
                    let is_value = matches!(skipped.change, Change::State | Change::Cleared);
                    let is_newer = |newer: u64| {
                        let newer = entry(newer);
                        newer.key == skipped.key && matches!(newer.change, Change::State | Change::Cleared)
                    };
                    assert!(is_value && (hole + 1..=room.seq).any(is_newer), "{hole} was not superseded");
                }
            }
        }
        if self.missed > 0 {
            self.missed -= 1;
        } else {
            assert_eq!(sent.term.get(), self.term, "of another owner than was told");
        }
        self.seq = seq;
        match sent.change {
            Change::State => _ = self.state.insert(sent.key.as_str().to_owned(), seq),
            Change::Cleared => _ = self.state.remove(sent.key.as_str()),
            Change::Event | Change::Ephemeral => {}
        }
    }

    /// Checks that it stands where the room stands, and holds the fold of all messages. One that paused for good was
    /// sent only that the room has ended.
    pub(super) fn check_caught_up<'a>(
        &self,
        standing: &Standing,
        log: impl Iterator<Item = &'a Arc<Entry>>,
        has_ended: bool,
    ) {
        assert!(self.partial.is_empty() && self.coming.is_none() && self.missed == 0 && self.skipped.is_none());
        assert_eq!(self.losses, 0, "a loss was not told");
        assert_eq!(self.is_closed, has_ended);
        if self.is_paused && has_ended {
            return;
        }
        assert!(!self.is_paused);
        assert_eq!((self.epoch.as_ref(), self.seq), (Some(&standing.epoch), standing.seq.get()));
        assert_eq!(self.term, standing.term.get());
        let mut state = Values::new();
        for (seq, entry) in (1..).zip(log) {
            match entry.change {
                Change::State => _ = state.insert(entry.key.as_str().to_owned(), seq),
                Change::Cleared => _ = state.remove(entry.key.as_str()),
                Change::Event | Change::Ephemeral => {}
            }
        }
        assert_eq!(self.state, state);
    }
}
