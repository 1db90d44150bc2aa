//! A viewer by the rules of PROTOCOL.md: what it does with each frame, and which frames it will not stand. It keeps all
//! that it heard and compares it with what was said. Must not know sockets.

mod memory;
mod verdict;

use std::collections::BTreeMap;

use super::frame::{self, Frame, How, Joined, Message, Status};

/// A viewer over all its connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Follower {
    /// The life of the numbering that the cursor belongs to; none before the first state is whole.
    epoch: Option<String>,
    /// The last message it has.
    seq: u64,
    /// The newest value of each key, as it came.
    state: BTreeMap<String, (u64, String)>,
    /// The owner's lease and whether the owner is there, as far as this connection was sent that.
    owner: Option<(u64, Status)>,
    /// What was announced and has not come to its end.
    replay: Option<Replay>,
    /// The message before which a hole was announced.
    hole: Option<u64>,
    /// How many answers to a `join` or an `unpause` it waits for.
    asked: usize,
    /// Whether the server has taken its `pause`, so that no message may come.
    paused: bool,
    /// Whether the state may still come that was being made for it when it paused.
    may_be_reset: bool,
    heard: Vec<Heard>,
}

/// A replay under way.
#[derive(Debug, Clone)]
struct Replay {
    how: How,
    epoch: String,
    /// Where it leads.
    seq: u64,
    left: u64,
    /// What came of it, for a replay that is applied as a whole.
    came: Vec<(Message, String)>,
}

/// What happened to it, in order.
#[derive(Debug, Clone)]
pub(crate) enum Heard {
    /// It was let in, having asked for what comes behind `after`.
    Joined { after: Option<u64>, joined: Box<Joined> },
    /// It was sent that it was slow, and that the state follows.
    Reset,
    /// A state is whole and applied: these messages, by number.
    State { seq: u64, values: Vec<(u64, String)> },
    /// A message was applied.
    Message { seq: u64, text: String },
    /// Everything behind `after` up to `through` was superseded.
    Hole { after: u64, through: u64 },
    /// An ephemeral message, while it stood at `at`.
    Passing { at: u64, text: String },
    /// The owner came or went.
    Owner { status: Status, term: u64 },
    /// A heartbeat, with the room's last number.
    Alive { seq: u64 },
    /// The server says that it closes.
    Closed { reason: String },
}

impl Follower {
    /// A viewer that has seen everything up to `seq` of `epoch`, and whose state does not matter.
    pub(crate) fn at(epoch: &str, seq: u64) -> Self {
        Self { epoch: Some(epoch.to_owned()), seq, ..Self::default() }
    }

    /// The connection is gone: what was not whole is forgotten, the cursor stays.
    pub(crate) fn cut(&mut self) {
        (self.replay, self.hole, self.owner) = (None, None, None);
        (self.asked, self.paused) = (0, false);
    }

    /// It asks to join, or to go on after a pause, and gives its cursor.
    pub(crate) fn ask(&mut self) -> Option<String> {
        self.asked += 1;
        self.epoch.as_ref().map(|epoch| frame::cursor(epoch, self.seq))
    }

    /// The server has taken the pause: from now on no message may come, but for a replay to its end.
    pub(crate) fn pause_is_taken(&mut self) {
        (self.paused, self.may_be_reset) = (true, true);
    }

    /// Where it stands.
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    pub(crate) fn epoch(&self) -> Option<&str> {
        self.epoch.as_deref()
    }

    /// Whether it holds a value of `key`.
    pub(crate) fn holds(&self, key: &str) -> bool {
        self.state.contains_key(key)
    }

    /// The value of each key, as it came.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.state.iter().map(|(key, (_, text))| (key.as_str(), text.as_str()))
    }

    /// Whether the server still has to send something that it announced.
    pub(crate) fn is_owed(&self) -> bool {
        self.asked > 0 || self.replay.is_some() || self.hole.is_some()
    }

    /// Everything that happened.
    pub(crate) fn heard(&self) -> &[Heard] {
        &self.heard
    }

    /// Takes what came next.
    pub(crate) fn take(&mut self, text: &str) {
        let frame = frame::read(text);
        if let Some(seq) = self.hole {
            let after = matches!(&frame, Frame::Message(message) if message.seq == Some(seq));
            assert!(after, "`skipped` does not stand directly before the message {seq}, but before {text}");
        }
        match frame {
            Frame::Joined(joined) => self.joined(joined),
            Frame::Message(message) => self.message(message, text),
            Frame::Reset(reset) => self.reset(reset),
            Frame::Skipped { through, until } => {
                assert!(until > through, "the message behind the hole comes first: {through}, {until}");
                self.skipped(through);
            }
            Frame::Owner { status, term, away_ms } => {
                assert_eq!(away_ms.is_some(), status == Status::Away);
                self.owner(status, term);
            }
            Frame::Alive { seq, .. } => self.heard.push(Heard::Alive { seq }),
            Frame::Closed { reason, .. } => self.heard.push(Heard::Closed { reason }),
            other => panic!("a viewer has no use for {other:?}"),
        }
    }

    fn joined(&mut self, joined: Joined) {
        assert!(self.asked > 0, "an answer to nothing: {joined:?}");
        self.asked -= 1;
        assert!(self.replay.is_none(), "the replay before it is not out: {joined:?}");
        let fits = match joined.how {
            How::Snapshot => self.epoch.is_none() && joined.reason.is_none(),
            How::Resumed => self.epoch.as_ref() == Some(&joined.epoch) && joined.reason.is_none(),
            How::Reset => self.epoch.is_some() && joined.reason.is_some(),
        };
        assert!(fits, "at {:?} of {:?} this is no answer: {joined:?}", self.seq, self.epoch);
        if joined.how == How::Resumed {
            assert_eq!(self.seq + joined.replay, joined.seq, "it is not what was missed: {joined:?}");
        }
        self.paused = false;
        self.owner_is(joined.term, joined.owner);
        let after = self.epoch.as_ref().map(|_| self.seq);
        let (how, epoch, seq, replay) = (joined.how, joined.epoch.clone(), joined.seq, joined.replay);
        self.heard.push(Heard::Joined { after, joined: Box::new(joined) });
        self.announced(how, epoch, seq, replay);
    }

    fn reset(&mut self, reset: frame::Reset) {
        let paused = std::mem::replace(&mut self.paused, false);
        self.assert_live("a reset");
        assert!(!paused || std::mem::take(&mut self.may_be_reset), "a second reset during a pause");
        self.paused = paused;
        assert!(reset.seq >= self.seq && reset.reason == "slow", "at {} no such reset: {reset:?}", self.seq);
        assert_eq!(self.epoch.as_ref(), Some(&reset.epoch));
        self.owner_is(reset.term, reset.owner);
        self.heard.push(Heard::Reset);
        self.announced(How::Reset, reset.epoch, reset.seq, reset.replay);
    }

    fn announced(&mut self, how: How, epoch: String, seq: u64, left: u64) {
        self.replay = Some(Replay { how, epoch, seq, left, came: Vec::new() });
        self.end_replay();
    }

    /// Applies what is applied as a whole once that has come.
    fn end_replay(&mut self) {
        let Some(replay) = self.replay.take_if(|replay| replay.left == 0) else { return };
        if replay.how == How::Resumed {
            assert_eq!(self.seq, replay.seq);
            return;
        }
        (self.epoch, self.seq) = (Some(replay.epoch), replay.seq);
        self.state.clear();
        let mut values = Vec::new();
        for (message, text) in replay.came {
            let seq = message.seq.unwrap();
            values.push((seq, text.clone()));
            let double = self.state.insert(message.key, (seq, text));
            assert!(double.is_none(), "two values of one key in {values:?}");
        }
        self.heard.push(Heard::State { seq: replay.seq, values });
    }

    fn message(&mut self, message: Message, text: &str) {
        let Some(seq) = message.seq else {
            self.assert_live("an ephemeral message");
            return self.heard.push(Heard::Passing { at: self.seq, text: text.to_owned() });
        };
        if let Some(replay) = &mut self.replay {
            replay.left -= 1;
            if replay.how != How::Resumed {
                let last = replay.came.last().and_then(|(last, _)| last.seq).unwrap_or(0);
                assert!(message.state && seq > last && seq <= replay.seq, "not in the state at {}: {text}", replay.seq);
                replay.came.push((message, text.to_owned()));
                return self.end_replay();
            }
        } else {
            self.assert_live("a message");
        }
        match self.hole.take() {
            None => assert_eq!(seq, self.seq + 1, "it is not the next one: {text}"),
            Some(_) => self.heard.push(Heard::Hole { after: self.seq, through: seq - 1 }),
        }
        self.seq = seq;
        if message.cleared {
            self.state.remove(&message.key);
        } else if message.state {
            self.state.insert(message.key, (seq, text.to_owned()));
        }
        self.heard.push(Heard::Message { seq, text: text.to_owned() });
        self.end_replay();
    }

    fn skipped(&mut self, through: u64) {
        self.assert_live("a hole");
        assert!(through > self.seq, "at {} nothing up to {through} was skipped", self.seq);
        self.hole = Some(through + 1);
    }

    fn owner(&mut self, status: Status, term: u64) {
        self.assert_live("an owner");
        let (known, _) = self.owner.unwrap();
        let next = if status == Status::Live { known + 1 } else { known };
        assert_eq!((term, Some((term, status)) != self.owner), (next, true), "after {:?} came {status:?}", self.owner);
        self.owner_is(term, status);
        self.heard.push(Heard::Owner { status, term });
    }

    fn owner_is(&mut self, term: u64, status: Status) {
        let known = self.owner.map_or(1, |(term, _)| term);
        assert!(term >= known, "the term {term} after {known}");
        self.owner = Some((term, status));
    }

    /// Nothing of this kind comes before it is let in, during a replay or a pause.
    #[track_caller]
    fn assert_live(&self, what: &str) {
        assert!(self.owner.is_some(), "{what} before the answer");
        assert!(self.replay.is_none(), "{what} during a replay: {:?}", self.replay);
        assert!(!self.paused, "{what} during a pause");
    }
}
