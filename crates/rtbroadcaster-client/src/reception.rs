//! What a viewer makes of what it is told: the state, the cursor, and what to pass on. A replay of the state is applied at
//! once when all of it has come; cut before that, the older state and cursor stay. Pure. Must not know connections.

use rtbroadcaster_core::id::{Cursor, Epoch, Seq};
use rtbroadcaster_core::message::Change;
use rtbroadcaster_core::standing::OwnerStatus;

use super::frame::{Entry, Frame, How, ResetReason, Said};
use super::heard::Heard;
use super::request::Integrity;
use super::state::State;

/// What came does not fit to what came before. A resume brings what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// A number that cannot come here, or a frame that cannot.
    Nonsense,
    /// What a heartbeat promised has not come with the next one.
    Behind,
    /// The state has more bytes than it may.
    TooMuch,
}

/// Where a viewer is on its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// It has no answer yet, or what it missed is still on its way.
    Coming,
    /// It has everything.
    Live,
    /// It has what the room's owner could tell, who is away.
    Away,
    /// Messages were superseded or lost.
    Lagging,
}

/// A state that is on its way.
#[derive(Debug)]
struct Replay {
    entry: Entry,
    /// Why it comes; `None` at the beginning.
    reset: Option<ResetReason>,
    left: u64,
    state: State,
}

/// One viewer.
#[derive(Debug)]
pub(super) struct Reception {
    state_bytes_max: usize,
    epoch: Option<Epoch>,
    owner: OwnerStatus,
    /// Whether it is in the room on the present connection.
    is_in: bool,
    replay: Option<Replay>,
    /// How many messages of a resume are on their way.
    missing: u64,
    /// The end of a hole whose next message has not come.
    skipped: Option<Seq>,
    /// The number in the last heartbeat.
    promised: Option<Seq>,
    /// Set while the state is torn, over connections too.
    tear: Option<Tear>,
    /// Set while it lags: until the first heartbeat behind the last hole has come, and a whole state after it. Holes follow each
    /// other: else it would lag no more between any two of them.
    lag: Option<Lag>,
    /// Whether there are heartbeats.
    has_heartbeat: bool,
}

/// The state is torn until it has reached the number up to which each superseded value has its newer one. A server that does not
/// tell that number does not know of lives either; then it is that of the first heartbeat behind the last hole.
#[derive(Debug, Clone, Copy)]
struct Tear {
    until: Option<Seq>,
}

/// Messages of this connection were superseded or lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lag {
    /// There was no heartbeat since.
    Fresh,
    /// There was one.
    Ending,
}

impl Reception {
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
            tear: None,
            lag: None,
            has_heartbeat: true,
        }
    }

    /// Where to go on.
    pub(super) fn cursor(&self, state: &State) -> Option<Cursor> {
        self.epoch.clone().map(|epoch| Cursor { epoch, seq: state.seq() })
    }

    /// Whether a server in another life may go on there.
    pub(super) fn integrity(&self) -> Integrity {
        if self.tear.is_some() { Integrity::Torn } else { Integrity::Whole }
    }

    /// The connection is gone.
    pub(super) fn cut(&mut self) {
        let epoch = self.epoch.take();
        *self = Self { epoch, owner: self.owner, tear: self.tear, ..Self::new(self.state_bytes_max) };
    }

    pub(super) fn position(&self) -> Position {
        match self.owner {
            _ if !self.is_in || self.replay.is_some() && self.lag.is_none() || self.missing > 0 => Position::Coming,
            _ if self.lag.is_some() => Position::Lagging,
            OwnerStatus::Away => Position::Away,
            OwnerStatus::Live => Position::Live,
        }
    }

    /// Takes what came. What is to be passed on is added to `heard`.
    pub(super) fn take(&mut self, frame: Frame, state: &mut State, heard: &mut Vec<Heard>) -> Result<(), Misfit> {
        match frame {
            Frame::Joined(..) if self.is_in => return Err(Misfit::Nonsense),
            Frame::Joined(entry, how) => self.enter(entry, how, state, heard)?,
            Frame::Reset(entry, reason) if self.is_whole() => {
                self.lag = Some(Lag::Fresh);
                self.begin(entry, Some(reason), state, heard)?;
            }
            Frame::Reset(..) => return Err(Misfit::Nonsense),
            Frame::Message(said) => self.hear(said, state, heard)?,
            Frame::Skipped(through, until) if self.is_whole() && through > state.seq() => {
                self.skipped = Some(through);
                self.tear(until);
            }
            Frame::Skipped(..) => return Err(Misfit::Nonsense),
            Frame::Owner(presence, term, epoch) => {
                let status = presence.status;
                self.owner = status;
                if let Some(epoch) = epoch {
                    self.live_in(epoch);
                }
                heard.push(Heard::Owner { status, term });
            }
            Frame::Alive(seq, _) => self.look(seq, state)?,
            _ => {}
        }
        Ok(())
    }

    /// Whether it is in the room, and no replay of the state is on its way.
    fn is_whole(&self) -> bool {
        self.is_in && self.replay.is_none()
    }

    /// The room is in another life. While a state is on its way, the epoch belongs to that state.
    fn live_in(&mut self, epoch: Epoch) {
        match (&mut self.replay, &mut self.epoch) {
            (Some(replay), _) => replay.entry.epoch = epoch,
            (None, Some(known)) if self.is_in => *known = epoch,
            // Without a state there is no number that it could belong to.
            _ => {}
        }
    }

    fn enter(&mut self, entry: Entry, how: How, state: &mut State, heard: &mut Vec<Heard>) -> Result<(), Misfit> {
        self.is_in = true;
        self.has_heartbeat = entry.signs.alive.is_some();
        self.owner = entry.owner.status;
        match how {
            How::Snapshot => self.begin(entry, None, state, heard)?,
            How::Reset(reason) => self.begin(entry, Some(reason), state, heard)?,
            How::Resumed => {
                // The epoch may be another one: the server has begun another life and continues the numbering. No such life
                // is known to have what a torn state lacks.
                let continues = match &self.epoch {
                    Some(epoch) => *epoch == entry.epoch || self.integrity() == Integrity::Whole,
                    None => false,
                };
                if !continues || entry.seq.get().checked_sub(state.seq().get()) != Some(entry.replay) {
                    return Err(Misfit::Nonsense);
                }
                self.epoch = Some(entry.epoch);
                self.missing = entry.replay;
            }
        }
        Ok(())
    }

    /// The state follows.
    fn begin(
        &mut self,
        entry: Entry,
        reset: Option<ResetReason>,
        state: &mut State,
        heard: &mut Vec<Heard>,
    ) -> Result<(), Misfit> {
        // Each value has a number of its own.
        if entry.replay > entry.seq.get() {
            return Err(Misfit::Nonsense);
        }
        self.owner = entry.owner.status;
        self.skipped = None;
        self.replay = Some(Replay { left: entry.replay, entry, reset, state: State::default() });
        self.complete(state, heard);
        Ok(())
    }

    /// When all of a replay has come it takes the place of the older state.
    fn complete(&mut self, state: &mut State, heard: &mut Vec<Heard>) {
        let Some(Replay { entry, reset, state: mut new, .. }) = self.replay.take_if(|replay| replay.left == 0) else {
            return;
        };
        new.reach(entry.seq);
        self.epoch = Some(entry.epoch);
        (self.tear, self.lag) = (None, None);
        *state = new.clone();
        heard.push(Heard::State { reset, state: new });
    }

    fn hear(&mut self, said: Said, state: &mut State, heard: &mut Vec<Heard>) -> Result<(), Misfit> {
        if let Some(replay) = &mut self.replay {
            let is_next = said.seq.is_some_and(|seq| seq > replay.state.seq() && seq <= replay.entry.seq);
            let (Some(seq), Change::State, true) = (said.seq, said.change, is_next) else {
                return Err(Misfit::Nonsense);
            };
            replay.state.insert(seq, said.key, said.params);
            if replay.state.bytes() > self.state_bytes_max {
                return Err(Misfit::TooMuch);
            }
            replay.left -= 1;
            self.complete(state, heard);
            return Ok(());
        }
        let Some(seq) = said.seq else {
            // None is sent while something is missing, and none before the answer.
            if self.is_in {
                heard.push(Heard::said(said))
            }
            return if self.is_in { Ok(()) } else { Err(Misfit::Nonsense) };
        };
        let hole = self.skipped.take();
        if !self.is_in || seq != hole.unwrap_or(state.seq()).next() {
            return Err(Misfit::Nonsense);
        }
        if let Some(through) = hole {
            heard.push(Heard::Skipped { through });
        }
        // Without heartbeats it is never known when the newer values have come.
        self.lag = if hole.is_some() { Some(Lag::Fresh) } else { self.lag.filter(|_| self.has_heartbeat) };
        self.missing = self.missing.saturating_sub(1);
        match said.change {
            Change::State => state.insert(seq, said.key.clone(), said.params.clone()),
            Change::Cleared => state.remove(seq, &said.key),
            Change::Event | Change::Ephemeral => state.reach(seq),
        }
        if state.bytes() > self.state_bytes_max {
            return Err(Misfit::TooMuch);
        }
        self.heal(seq);
        heard.push(Heard::said(said));
        Ok(())
    }

    /// There is a hole, whose newer values come by `until` if that is told.
    fn tear(&mut self, until: Option<Seq>) {
        let before = self.tear.map_or(Some(Seq::ZERO), |tear| tear.until);
        self.tear = Some(Tear { until: before.zip(until).map(|(before, until)| before.max(until)) });
    }

    /// The state is at `seq`. It is whole again if every newer value has come.
    fn heal(&mut self, seq: Seq) {
        self.tear.take_if(|tear| tear.until.is_some_and(|until| seq >= until));
        if self.tear.is_none() {
            self.lag.take_if(|lag| *lag == Lag::Ending);
        }
    }

    /// A heartbeat with the room's last number.
    fn look(&mut self, seq: Seq, state: &State) -> Result<(), Misfit> {
        // In a replay of the state the number may be one of another numbering.
        if self.is_whole() {
            if let Some(tear) = &mut self.tear {
                tear.until.get_or_insert(seq);
            }
            self.lag = self.lag.map(|_| Lag::Ending);
            self.heal(state.seq());
        }
        // While a replay comes there is nothing to compare.
        if !self.is_whole() || self.missing > 0 {
            self.promised = None;
            return Ok(());
        }
        if self.promised.is_some_and(|promised| promised > state.seq()) {
            return Err(Misfit::Behind);
        }
        self.promised = Some(seq);
        Ok(())
    }
}
