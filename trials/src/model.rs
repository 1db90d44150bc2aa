//! A viewer by the client rules of PROTOCOL.md section 2 that checks every text: it knows the owner's messages. Pure:
//! texts in, faults out.

pub(crate) mod answer;
mod delivery;
pub(crate) mod fault;
mod join;
pub(crate) mod ledger;
pub(crate) mod record;
pub(crate) mod state;
pub(crate) mod sum;
#[cfg(test)]
mod tests;

use sha2::{Digest, Sha256};

use answer::{Alive, Answer, Message, Owner, Reset, ResetReason, Skipped};
use fault::{Fault, Faults};
pub(crate) use join::{CursorClaim, JoinOutcome};
use join::{PendingJoin, PendingReplay};
use ledger::DeliveryLedger;
use record::Record;
use state::{Hash, State};

/// The most bytes that may wait for a viewer (`backlog_bytes_max`): a `reset` `slow` needs more.
const BACKLOG_BYTES_MAX: u64 = 256 * 1024;

/// The bytes that each waiting message counts besides its own.
const PLACE_BYTES: u64 = 128;

/// The most bytes of ephemeral messages among them.
const EPHEMERAL_BYTES_MAX: u64 = 32 * 1024;

/// One viewer over all its connections.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// The number up to which it has everything: with the epoch its cursor. `None` before the first whole replay.
    position: Option<u64>,
    /// The epoch of its cursor.
    epoch: String,
    state: State,
    phase: JoinPhase,
    /// The unanswered `unpause`; messages that were on their way may come before its answer.
    unpausing: Option<PendingJoin>,
    /// The number of a `skipped`, which is directly before the next message.
    hole: Option<u64>,
    /// From this number on nothing is missing in the state: the newer values of the holes have arrived.
    complete_at: u64,
    /// The number in the last `alive` of this connection.
    alive: Option<u64>,
    /// The last ephemeral message of its life.
    ephemeral: u64,
    /// The last ephemeral message of this connection arrived after this number was published.
    ephemeral_after: u64,
    /// The newest term that it knows.
    term: u64,
    ledger: DeliveryLedger,
    /// The number of messages announced in replays of resumes.
    replayed: u64,
    /// The hash of the texts of all numbered messages outside of snapshots and resets, in the order in which they
    /// arrived.
    digest: Sha256,
    pub(crate) faults: Faults,
}

/// The phase of a connection.
#[derive(Debug, Default)]
enum JoinPhase {
    /// There is no connection, or it has not sent a join.
    #[default]
    Away,
    Asked(PendingJoin),
    Replay(PendingReplay),
    Live,
}

/// The meaning of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The join was answered.
    Joined(JoinOutcome),
    /// The state is replayed, because this viewer was too slow.
    Reset,
    /// A message was applied.
    Message,
    /// An ephemeral message arrived.
    Ephemeral,
    /// The request is refused with this code.
    Refused(String),
    /// The `seq` of one `alive` was not reached when the next one came: by the rules this client reconnects.
    Reconnect,
    /// The server is draining, and advises to come back after so many milliseconds.
    Draining(u64),
    /// The last text before the server's close, with its word.
    Closed(String),
    /// Anything else.
    Other,
}

impl Model {
    /// Returns a viewer with the empty state from before the first message, which asks for all later ones.
    pub(crate) fn from_the_first() -> Self {
        let mut model = Self { position: Some(0), ..Self::default() };
        model.ledger.begin_or_reset(0);
        model
    }

    /// Returns a viewer with everything up to `seq`, which asks for all later ones.
    pub(crate) fn from(seq: u64, record: &Record) -> Self {
        let mut model = Self { position: Some(seq), ..Self::default() };
        model.ledger.begin_or_reset(seq);
        for seq in record.fold(seq) {
            let (key, frame) = (record.key(seq).unwrap_or_default(), record.frame(seq).unwrap_or_default());
            model.state.insert(key, seq, frame);
        }
        model
    }

    /// Ends the connection, and drops an incomplete replay of a state.
    pub(crate) fn cut(&mut self) {
        self.phase = JoinPhase::Away;
        self.unpausing = None;
        self.hole = None;
        self.alive = None;
        self.ephemeral_after = 0;
    }

    /// Returns whether it is past its replay.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.phase, JoinPhase::Live)
    }

    /// Returns whether a replay is incomplete.
    pub(crate) fn is_in_replay(&self) -> bool {
        matches!(self.phase, JoinPhase::Replay(_))
    }

    /// Returns the number up to which it has everything.
    pub(crate) fn position(&self) -> Option<u64> {
        self.position
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Returns how many messages were announced in replays of resumes.
    pub(crate) fn replayed(&self) -> u64 {
        self.replayed
    }

    pub(crate) fn ledger(&self) -> &DeliveryLedger {
        &self.ledger
    }

    /// Returns the hash of all numbered messages that arrived one by one.
    pub(crate) fn hash(&self) -> Hash {
        self.digest.clone().finalize().into()
    }

    /// Checks one text, and returns its meaning.
    pub(crate) fn hear(&mut self, text: &[u8], record: &Record) -> Meaning {
        let answer = std::str::from_utf8(text).map_err(|error| error.to_string());
        let (text, answer) = match answer.and_then(|text| Ok((text, Answer::read(text)?))) {
            Ok(read) => read,
            Err(why) => {
                self.faults.note(Fault::Forbidden, || format!("{why}: {}", String::from_utf8_lossy(text)));
                return Meaning::Other;
            }
        };
        if let Some(through) = self.hole
            && !matches!(answer, Answer::Message(Message { seq: Some(_), .. }))
        {
            self.hole = None;
            self.faults.note(Fault::FalseSkipped, || format!("through {through} stands before {text}"));
        }
        match (answer, &self.phase) {
            (Answer::Joined(joined), _) if self.has_asked() => self.joined(&joined, record),
            (Answer::Error(refusal), _) if self.has_asked() => Meaning::Refused(refusal.code.into_owned()),
            (Answer::Draining(draining), _) if record.may_be_away => Meaning::Draining(draining.reconnect_in_ms),
            (Answer::Closed(closed), _) => Meaning::Closed(closed.reason.into_owned()),
            (Answer::Message(message), JoinPhase::Replay(_) | JoinPhase::Live) => self.message(&message, text, record),
            (Answer::Alive(alive), JoinPhase::Replay(_) | JoinPhase::Live) => self.alive(&alive, record),
            (Answer::Owner(owner), JoinPhase::Replay(_) | JoinPhase::Live) => self.owner(&owner, record),
            (Answer::Skipped(skipped), JoinPhase::Live) => self.skipped(&skipped),
            (Answer::Reset(reset), JoinPhase::Live) => self.reset(&reset, record),
            _ => {
                self.faults.note(Fault::Forbidden, || format!("not here: {text}"));
                Meaning::Other
            }
        }
    }

    /// Returns whether a `joined` or a refusal may come.
    fn has_asked(&self) -> bool {
        matches!(self.phase, JoinPhase::Asked(_)) || self.unpausing.is_some()
    }

    fn message(&mut self, message: &Message<'_>, text: &str, record: &Record) -> Meaning {
        let Some(seq) = message.seq else {
            self.ephemeral(text, record);
            return Meaning::Ephemeral;
        };
        self.compare(seq, text, record);
        if let JoinPhase::Replay(replay) = &mut self.phase {
            replay.left = replay.left.saturating_sub(1);
            if replay.is_whole {
                replay.state.insert(&message.key, seq, text);
                if message.state.is_none() {
                    self.faults.note(Fault::OtherState, || format!("no state in a replay: {text}"));
                }
            } else {
                self.deliver(seq, message, text, record);
            }
            self.settle(record);
        } else {
            if seq <= self.ephemeral_after {
                let after = self.ephemeral_after;
                self.faults.note(Fault::OddEphemeral, || format!("one published after {after} arrived before {text}"));
            }
            self.deliver(seq, message, text, record);
        }
        Meaning::Message
    }

    /// Checks that the text is the message of this number.
    fn compare(&mut self, seq: u64, text: &str, record: &Record) {
        match record.frame(seq) {
            Some(said) if said == text => {}
            Some(said) => self.faults.note(Fault::OtherBytes, || format!("{text} instead of {said}")),
            None => self.faults.note(Fault::Unsaid, || text.into()),
        }
    }

    fn skipped(&mut self, skipped: &Skipped<'_>) -> Meaning {
        self.hole = Some(skipped.through);
        Meaning::Other
    }

    fn reset(&mut self, reset: &Reset<'_>, record: &Record) -> Meaning {
        self.room(reset.term, &reset.epoch, reset.owner, record);
        let position = self.position.unwrap_or(0);
        if reset.seq < position {
            self.faults.note(Fault::Forgotten, || format!("{reset:?}"));
        }
        let places = PLACE_BYTES * reset.seq.saturating_sub(position);
        let waited = record.frame_bytes(position, reset.seq) + places;
        if reset.reason != ResetReason::Slow || waited + EPHEMERAL_BYTES_MAX < BACKLOG_BYTES_MAX {
            self.faults.note(Fault::FalseReset, || format!("{reset:?} after {position}: {waited} bytes waited"));
        }
        self.replay(reset.seq, reset.replay, Some(&reset.epoch), record);
        Meaning::Reset
    }

    fn alive(&mut self, alive: &Alive<'_>, record: &Record) -> Meaning {
        if alive.seq > record.last() {
            self.faults.note(Fault::Unsaid, || format!("{alive:?}"));
        }
        let position = self.position.unwrap_or(0);
        match self.alive.replace(alive.seq) {
            Some(before) if before > position => Meaning::Reconnect,
            _ => Meaning::Other,
        }
    }

    fn owner(&mut self, owner: &Owner<'_>, record: &Record) -> Meaning {
        self.room(owner.term, &record.epoch, owner.status, record);
        Meaning::Other
    }
}
