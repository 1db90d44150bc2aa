//! The join of a viewer, the answer that it must get, and the replay that follows. Pure.

use super::{JoinPhase, Meaning, Model};
use crate::model::answer::{How, Joined, Presence, Reason};
use crate::model::fault::Fault;
use crate::model::record::Record;
use crate::model::state::State;

/// The most messages that a room's history holds (`history_messages_max`).
const HISTORY_MESSAGES_MAX: u64 = 1_024;

/// The most bytes of key and params in them (`history_bytes_max`).
const HISTORY_BYTES_MAX: u64 = 1024 * 1024;

/// The cursor that a join claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CursorClaim {
    /// The true one, or none.
    Honest,
    /// A number beyond the room's last one.
    Future,
    /// Another epoch.
    OtherEpoch,
    /// No cursor of the right form.
    Malformed,
}

/// The outcome of a join.
pub(crate) type JoinOutcome = (How, Option<Reason>);

/// A join without an answer.
#[derive(Debug)]
pub(crate) struct PendingJoin {
    id: String,
    claim: CursorClaim,
    /// The epoch of the cursor.
    epoch: String,
    /// The last number that was acknowledged before the join.
    acked: u64,
}

/// An incomplete replay.
#[derive(Debug)]
pub(crate) struct PendingReplay {
    /// The number of frames that are left.
    pub(crate) left: u64,
    /// Its last number.
    seq: u64,
    /// Whether it is a state, applied at its end; otherwise its messages are applied one by one.
    pub(crate) is_whole: bool,
    /// The epoch of the state.
    epoch: String,
    /// The frames of a state so far.
    pub(crate) state: State,
    /// The number of frames that were announced.
    announced: u64,
}

impl Model {
    /// Begins a connection: returns the text to send.
    pub(crate) fn join(&mut self, id: String, claim: CursorClaim, record: &Record) -> String {
        let room = &record.room;
        let epoch = if self.epoch.is_empty() { record.epoch.clone() } else { self.epoch.clone() };
        let cursor = match (claim, self.position) {
            (CursorClaim::Honest, None) => String::new(),
            (CursorClaim::Honest, Some(seq)) => format!(r#","cursor":{{"epoch":"{epoch}","seq":{seq}}}"#),
            (CursorClaim::Future, _) => format!(r#","cursor":{{"epoch":"{epoch}","seq":{}}}"#, 1_u64 << 50),
            (CursorClaim::OtherEpoch, _) => format!(r#","cursor":{{"epoch":"{}","seq":1}}"#, "0".repeat(32)),
            (CursorClaim::Malformed, _) => format!(r#","cursor":{{"epoch":"{epoch}","seq":1.0}}"#),
        };
        let text = format!(r#"{{"type":"join","id":"{id}","room":"{room}"{cursor},"lives":true}}"#);
        self.phase = JoinPhase::Asked(PendingJoin { id, claim, epoch, acked: record.acked });
        text
    }

    /// Ends a pause: returns the text to send.
    pub(crate) fn unpause(&mut self, id: String, record: &Record) -> String {
        let text = format!(r#"{{"type":"unpause","id":"{id}"}}"#);
        let epoch = self.epoch.clone();
        self.unpausing = Some(PendingJoin { id, claim: CursorClaim::Honest, epoch, acked: record.acked });
        text
    }

    pub(crate) fn joined(&mut self, joined: &Joined<'_>, record: &Record) -> Meaning {
        let asked = match (std::mem::take(&mut self.phase), self.unpausing.take()) {
            (JoinPhase::Asked(asked), _) | (_, Some(asked)) => asked,
            _ => return Meaning::Other,
        };
        self.room(joined.term, &joined.epoch, joined.owner, record);
        if joined.id != asked.id || joined.room != record.room || joined.alive_ms != record.alive_ms {
            self.faults.note(Fault::OddRoom, || format!("{joined:?} for {asked:?}"));
        }
        if joined.seq > record.last() {
            self.faults.note(Fault::Unsaid, || format!("{joined:?}"));
        }
        if joined.seq < asked.acked || self.position.is_some_and(|position| joined.seq < position) {
            let position = self.position;
            self.faults.note(Fault::Forgotten, || format!("{joined:?} for {asked:?}, position {position:?}"));
        }
        self.judge(joined, &asked, record);
        if joined.how == How::Resumed {
            self.replayed += joined.replay;
        }
        if joined.how == How::Resumed {
            // At once, with the old number.
            self.epoch = joined.epoch.to_string();
        }
        let state_of = (joined.how != How::Resumed).then_some(&*joined.epoch);
        self.replay(joined.seq, joined.replay, state_of, record);
        Meaning::Joined((joined.how, joined.reason))
    }

    /// Checks the members on the room, which every announcement has.
    pub(crate) fn room(&mut self, term: u64, epoch: &str, owner: Presence, record: &Record) {
        let is_term = (self.term.max(1)..=record.term).contains(&term);
        if !is_term || (owner == Presence::Away && !record.may_be_away) || !record.may_be_in(epoch) {
            let newest = self.term;
            self.faults.note(Fault::OddRoom, || format!("term {term} after {newest}, owner {owner:?}, epoch {epoch}"));
        }
        self.term = self.term.max(term);
    }

    /// Checks that the answer is the one that the claim must get.
    fn judge(&mut self, joined: &Joined<'_>, asked: &PendingJoin, record: &Record) {
        let reset = |reason| (How::Reset, Some(reason));
        let wanted = match (asked.claim, self.position) {
            (CursorClaim::Honest, None) => (How::Snapshot, None),
            (CursorClaim::Honest, Some(position)) if let Some(messages) = record.history_messages => {
                let missed = joined.seq.saturating_sub(position);
                if missed <= messages { (How::Resumed, None) } else { reset(Reason::Retention) }
            }
            (CursorClaim::Honest, Some(position)) => {
                let missed = joined.seq.saturating_sub(position);
                let must = missed <= HISTORY_MESSAGES_MAX && record.bytes(position, joined.seq) <= HISTORY_BYTES_MAX;
                // A server that keeps more than it must may resume more; the replay shows whether that is true.
                if must || joined.how == How::Resumed { (How::Resumed, None) } else { reset(Reason::Retention) }
            }
            // In another life the number is behind the end of its own.
            (CursorClaim::Future, _) if asked.epoch != joined.epoch => reset(Reason::Epoch),
            (CursorClaim::Future, _) => reset(Reason::Future),
            (CursorClaim::OtherEpoch, _) => reset(Reason::Epoch),
            (CursorClaim::Malformed, _) => reset(Reason::Malformed),
        };
        if (joined.how, joined.reason) != wanted {
            let fault = match joined.how {
                How::Resumed => Fault::FalseResumed,
                How::Reset => Fault::FalseReset,
                How::Snapshot => Fault::Forbidden,
            };
            let position = self.position;
            self.faults.note(fault, || format!("{joined:?} for {asked:?} at {position:?}, not {wanted:?}"));
        }
        if joined.how == How::Resumed && Some(joined.replay) != joined.seq.checked_sub(self.position.unwrap_or(0)) {
            let position = self.position;
            self.faults.note(Fault::FalseResumed, || format!("{joined:?} at {position:?}: not every message"));
        }
    }

    /// Begins a replay of `replay` frames up to `seq`: the state in an epoch, or the missed messages.
    pub(crate) fn replay(&mut self, seq: u64, replay: u64, state_of: Option<&str>, record: &Record) {
        let (state, is_whole) = (State::default(), state_of.is_some());
        let epoch = state_of.unwrap_or_default().to_owned();
        self.phase = JoinPhase::Replay(PendingReplay { left: replay, seq, is_whole, epoch, state, announced: replay });
        self.settle(record);
    }

    /// Ends the replay if no frame of it is left.
    pub(crate) fn settle(&mut self, record: &Record) {
        let replay = match std::mem::take(&mut self.phase) {
            JoinPhase::Replay(replay) if replay.left == 0 => replay,
            other => {
                self.phase = other;
                return;
            }
        };
        self.phase = JoinPhase::Live;
        let PendingReplay { seq, is_whole, epoch, state, announced, .. } = replay;
        if !is_whole {
            if self.position != Some(seq) {
                let position = self.position;
                self.faults.note(Fault::FalseResumed, || format!("ended at {position:?} instead of {seq}"));
            }
            return;
        }
        let (came, fold): (Vec<u64>, _) = (state.seqs().collect(), record.fold(seq));
        // Fewer keys than frames: one key came twice.
        if came != fold || came.len() as u64 != announced {
            self.faults.note(Fault::OtherState, || format!("at {seq}, {announced} frames: {came:?}, not {fold:?}"));
        }
        (self.state, self.epoch) = (state, epoch);
        self.ledger.begin_or_reset(seq);
        self.position = Some(seq);
        self.complete_at = 0;
    }
}
