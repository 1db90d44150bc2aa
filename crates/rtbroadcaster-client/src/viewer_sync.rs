//! Applies a viewer's frames to its state and cursor, and collects the items for its program. A replay of the state is
//! applied at once, when all of it has arrived. If the connection is cut before, the older state and cursor stay. Pure.
//! Must not know connections.

use rtbroadcaster_core::id::{Cursor, Epoch, Seq};
use rtbroadcaster_core::message::Change;
use rtbroadcaster_core::standing::OwnerStatus;

use super::frame::{Admission, How, MessageFrame, ResetReason, ServerFrame};
use super::heard::Heard;
use super::request::Integrity;
use super::state::State;

/// Why a frame does not follow from the frames before. After all but `TooMuch`, the viewer reconnects and resumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SyncError {
    /// The frame, or its number, is invalid at this position.
    Nonsense,
    /// Messages that a heartbeat announced have not arrived before the next heartbeat.
    Behind,
    /// The state exceeds its limit of bytes.
    TooMuch,
}

/// A viewer's position on its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// The server has not answered yet, or missed messages are still to come.
    Coming,
    /// The viewer is up to date.
    Live,
    /// The viewer is up to date, and the room's owner is away.
    Away,
    /// Messages were superseded or lost.
    Lagging,
}

/// A replay of the state that is not complete.
#[derive(Debug)]
struct StateReplay {
    entry: Admission,
    /// Why the server sends it; `None` at the beginning.
    reset: Option<ResetReason>,
    /// The number of values that are still to come.
    left: u64,
    state: State,
}

/// The progress of one viewer through its room's messages.
#[derive(Debug)]
pub(super) struct ViewerSync {
    state_bytes_max: usize,
    epoch: Option<Epoch>,
    owner: OwnerStatus,
    /// Whether the viewer is in the room on the present connection.
    is_in: bool,
    replay: Option<StateReplay>,
    /// The number of messages of a resume that are still to come.
    missing: u64,
    /// The end of a hole whose next message has not arrived.
    skipped: Option<Seq>,
    /// The number in the last heartbeat.
    promised: Option<Seq>,
    /// Set while the state is torn, also after a reconnect.
    torn: Option<TornState>,
    /// Set while the viewer lags: until the first heartbeat after the last hole, and then until the state is whole.
    /// Holes follow each other; without the heartbeat, the viewer would not lag between two of them.
    lag: Option<Lag>,
    /// Whether the server sends heartbeats.
    has_heartbeat: bool,
}

/// A torn state. It is whole again at the number `until`, by which each superseded value has its newer one. A server
/// that does not send this number does not know lives either; then it is the number of the first heartbeat after the
/// last hole.
#[derive(Debug, Clone, Copy)]
struct TornState {
    until: Option<Seq>,
}

/// Messages of this connection were superseded or lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lag {
    /// No heartbeat has come since.
    Fresh,
    /// A heartbeat has come since.
    Ending,
}

impl ViewerSync {
    pub(super) fn new(state_bytes_max: usize) -> Self {
        Self {
            state_bytes_max,
            epoch: None,
            owner: OwnerStatus::Live,
            is_in: false,
            replay: None,
            missing: 0,
            skipped: None,
            promised: None,
            torn: None,
            lag: None,
            has_heartbeat: true,
        }
    }

    /// Returns the cursor of the next join.
    pub(super) fn cursor(&self, state: &State) -> Option<Cursor> {
        self.epoch.clone().map(|epoch| Cursor { epoch, seq: state.seq() })
    }

    /// Returns whether a server in another life may continue the state.
    pub(super) fn integrity(&self) -> Integrity {
        if self.torn.is_some() { Integrity::Torn } else { Integrity::Whole }
    }

    /// Resets to the state without a connection.
    pub(super) fn cut(&mut self) {
        let epoch = self.epoch.take();
        *self = Self { epoch, owner: self.owner, torn: self.torn, ..Self::new(self.state_bytes_max) };
    }

    pub(super) fn position(&self) -> Position {
        match self.owner {
            _ if !self.is_in || self.replay.is_some() && self.lag.is_none() || self.missing > 0 => Position::Coming,
            _ if self.lag.is_some() => Position::Lagging,
            OwnerStatus::Away => Position::Away,
            OwnerStatus::Live => Position::Live,
        }
    }

    /// Applies a frame to `state`. Items for the program are appended to `items`.
    pub(super) fn take(
        &mut self,
        frame: ServerFrame,
        state: &mut State,
        items: &mut Vec<Heard>,
    ) -> Result<(), SyncError> {
        match frame {
            ServerFrame::Joined(..) if self.is_in => return Err(SyncError::Nonsense),
            ServerFrame::Joined(entry, how) => self.enter(entry, how, state, items)?,
            ServerFrame::Reset(entry, reason) if self.is_whole() => {
                self.lag = Some(Lag::Fresh);
                self.begin(entry, Some(reason), state, items)?;
            }
            ServerFrame::Reset(..) => return Err(SyncError::Nonsense),
            ServerFrame::Message(message) => self.take_message(message, state, items)?,
            ServerFrame::Skipped(through, until) if self.is_whole() && through > state.seq() => {
                self.skipped = Some(through);
                self.note_hole(until);
            }
            ServerFrame::Skipped(..) => return Err(SyncError::Nonsense),
            ServerFrame::Owner(presence, term, epoch) => {
                let status = presence.status;
                self.owner = status;
                if let Some(epoch) = epoch {
                    self.live_in(epoch);
                }
                items.push(Heard::Owner { status, term });
            }
            ServerFrame::Alive(seq, _) => self.take_heartbeat(seq, state)?,
            _ => {}
        }
        Ok(())
    }

    /// Returns whether the viewer is in the room and no replay of the state is incomplete.
    fn is_whole(&self) -> bool {
        self.is_in && self.replay.is_none()
    }

    /// Takes the epoch of the room's next life. During a replay of the state, the epoch belongs to the replayed state.
    fn live_in(&mut self, epoch: Epoch) {
        match (&mut self.replay, &mut self.epoch) {
            (Some(replay), _) => replay.entry.epoch = epoch,
            (None, Some(known)) if self.is_in => *known = epoch,
            // Without a state, there is no number to which the epoch could belong.
            _ => {}
        }
    }

    fn enter(
        &mut self,
        entry: Admission,
        how: How,
        state: &mut State,
        items: &mut Vec<Heard>,
    ) -> Result<(), SyncError> {
        self.is_in = true;
        self.has_heartbeat = entry.signs.alive.is_some();
        self.owner = entry.owner.status;
        match how {
            How::Snapshot => self.begin(entry, None, state, items)?,
            How::Reset(reason) => self.begin(entry, Some(reason), state, items)?,
            How::Resumed => {
                // The epoch may differ: the server has begun another life and continues the numbering. That life may
                // lack the values that a torn state waits for.
                let continues = match &self.epoch {
                    Some(epoch) => *epoch == entry.epoch || self.integrity() == Integrity::Whole,
                    None => false,
                };
                if !continues || entry.seq.get().checked_sub(state.seq().get()) != Some(entry.replay) {
                    return Err(SyncError::Nonsense);
                }
                self.epoch = Some(entry.epoch);
                self.missing = entry.replay;
            }
        }
        Ok(())
    }

    /// Begins a replay of the state.
    fn begin(
        &mut self,
        entry: Admission,
        reset: Option<ResetReason>,
        state: &mut State,
        items: &mut Vec<Heard>,
    ) -> Result<(), SyncError> {
        // Each value of the state has its own number.
        if entry.replay > entry.seq.get() {
            return Err(SyncError::Nonsense);
        }
        self.owner = entry.owner.status;
        self.skipped = None;
        self.replay = Some(StateReplay { left: entry.replay, entry, reset, state: State::default() });
        self.complete(state, items);
        Ok(())
    }

    /// Replaces the older state if the replay is complete.
    fn complete(&mut self, state: &mut State, items: &mut Vec<Heard>) {
        let Some(StateReplay { entry, reset, state: mut new, .. }) = self.replay.take_if(|replay| replay.left == 0)
        else {
            return;
        };
        new.reach(entry.seq);
        self.epoch = Some(entry.epoch);
        (self.torn, self.lag) = (None, None);
        *state = new.clone();
        items.push(Heard::State { reset, state: new });
    }

    fn take_message(
        &mut self,
        message: MessageFrame,
        state: &mut State,
        items: &mut Vec<Heard>,
    ) -> Result<(), SyncError> {
        if let Some(replay) = &mut self.replay {
            let is_next = message.seq.is_some_and(|seq| seq > replay.state.seq() && seq <= replay.entry.seq);
            let (Some(seq), Change::State, true) = (message.seq, message.change, is_next) else {
                return Err(SyncError::Nonsense);
            };
            replay.state.insert(seq, message.key, message.params);
            if replay.state.bytes() > self.state_bytes_max {
                return Err(SyncError::TooMuch);
            }
            replay.left -= 1;
            self.complete(state, items);
            return Ok(());
        }
        let Some(seq) = message.seq else {
            // A server sends no ephemeral message before its answer, nor while messages are missing.
            if self.is_in {
                items.push(Heard::said(message))
            }
            return if self.is_in { Ok(()) } else { Err(SyncError::Nonsense) };
        };
        let hole = self.skipped.take();
        if !self.is_in || seq != hole.unwrap_or(state.seq()).next() {
            return Err(SyncError::Nonsense);
        }
        if let Some(through) = hole {
            items.push(Heard::Skipped { through });
        }
        // Without heartbeats, the viewer never learns when all newer values have arrived, so it lags for one message
        // only.
        self.lag = if hole.is_some() { Some(Lag::Fresh) } else { self.lag.filter(|_| self.has_heartbeat) };
        self.missing = self.missing.saturating_sub(1);
        match message.change {
            Change::State => state.insert(seq, message.key.clone(), message.params.clone()),
            Change::Cleared => state.remove(seq, &message.key),
            Change::Event | Change::Ephemeral => state.reach(seq),
        }
        if state.bytes() > self.state_bytes_max {
            return Err(SyncError::TooMuch);
        }
        self.note_progress(seq);
        items.push(Heard::said(message));
        Ok(())
    }

    /// Notes a hole; its newer values arrive by `until`, if the server sends that number.
    fn note_hole(&mut self, until: Option<Seq>) {
        let before = self.torn.map_or(Some(Seq::ZERO), |torn| torn.until);
        self.torn = Some(TornState { until: before.zip(until).map(|(before, until)| before.max(until)) });
    }

    /// Notes that the state is at `seq`, where it may be whole again.
    fn note_progress(&mut self, seq: Seq) {
        self.torn.take_if(|torn| torn.until.is_some_and(|until| seq >= until));
        if self.torn.is_none() {
            self.lag.take_if(|lag| *lag == Lag::Ending);
        }
    }

    /// Takes a heartbeat with the room's last number.
    fn take_heartbeat(&mut self, seq: Seq, state: &State) -> Result<(), SyncError> {
        // During a replay of the state, the number may belong to another numbering.
        if self.is_whole() {
            if let Some(torn) = &mut self.torn {
                torn.until.get_or_insert(seq);
            }
            self.lag = self.lag.map(|_| Lag::Ending);
            self.note_progress(state.seq());
        }
        // During a replay or a resume, there is nothing to compare.
        if !self.is_whole() || self.missing > 0 {
            self.promised = None;
            return Ok(());
        }
        if self.promised.is_some_and(|promised| promised > state.seq()) {
            return Err(SyncError::Behind);
        }
        self.promised = Some(seq);
        Ok(())
    }
}
