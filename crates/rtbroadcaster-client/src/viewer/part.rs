//! What a viewer does on its way: joins, takes what it hears, and passes it on. Must not know sockets.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::message::Body;
use rtbroadcaster_core::standing::OwnerStatus;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::SignalError;
use crate::Options;
use crate::comeback::End;
use crate::course::{Part, Texts, Wish};
use crate::frame::{Frame, Presence, refused_to_enter};
use crate::heard::Heard;
use crate::identity::Identity;
use crate::limits::{Limits, Pace};
use crate::liveness::Signs;
use crate::queue::Sender;
use crate::random::Random;
use crate::reception::{Misfit, Position, Reception};
use crate::request::{self, Ids};
use crate::state::State;
use crate::status::Status;
use rtbroadcaster_core::closing::Closing;

/// Who wants to hear.
#[derive(Debug, Default)]
pub(super) struct Ears {
    open: Vec<Sender<Heard>>,
    /// Whether there is a state.
    is_whole: bool,
    /// Whether nothing will be heard any more.
    is_over: bool,
}

impl Ears {
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    pub(super) fn add(&mut self, ear: Sender<Heard>) {
        if !self.is_over {
            self.open.push(ear);
        }
    }
}

/// What the program asks of its viewer.
pub(crate) enum Order {
    /// Say this to the owner.
    Signal(Body, oneshot::Sender<Result<(), SignalError>>),
}

/// A viewer on its way.
pub(super) struct Watching {
    room: RoomId,
    ids: Ids,
    /// The id of the request that entered the room last.
    entering: Box<str>,
    reception: Reception,
    /// What the server has told on the present connection.
    signs: Option<Signs>,
    /// Since when the owner is away.
    away_since: Moment,
    message_bytes_max: usize,
    limits: Limits,
    pace: Pace,
    begun: Instant,
    state: watch::Sender<State>,
    audience: watch::Sender<Option<usize>>,
    identity: watch::Sender<Option<Identity>>,
    ears: Arc<Mutex<Ears>>,
    /// What is to be passed on, each to those who had an ear open when it came.
    waiting: VecDeque<(Heard, Vec<Sender<Heard>>)>,
    is_left_alone: bool,
}

/// What is told to the program.
pub(super) struct Telling {
    pub(super) state: watch::Sender<State>,
    pub(super) audience: watch::Sender<Option<usize>>,
    pub(super) identity: watch::Sender<Option<Identity>>,
    pub(super) ears: Arc<Mutex<Ears>>,
}

impl Watching {
    pub(super) fn new(room: RoomId, telling: Telling, options: &Options) -> Self {
        let Telling { state, audience, identity, ears } = telling;
        Self {
            room,
            ids: Ids::new(&mut Random::new()),
            entering: "".into(),
            reception: Reception::new(options.state_bytes_max),
            signs: None,
            away_since: Moment::now(),
            message_bytes_max: options.message_bytes_max,
            limits: Limits::of(None, options.message_bytes_max),
            pace: Pace::default(),
            begun: Instant::now(),
            state,
            audience,
            identity,
            ears,
            waiting: VecDeque::new(),
            is_left_alone: false,
        }
    }

    /// The owner is away since some moment, or it is not.
    fn knows(&mut self, owner: Presence) {
        if owner.status == OwnerStatus::Away {
            let now = Instant::now().into_std();
            self.away_since = now.checked_sub(owner.away).unwrap_or(now);
        }
    }

    /// Says a signal, unless it would be a mistake.
    fn say(&mut self, body: &Body, texts: Option<&mut Texts>) -> Result<(), SignalError> {
        let text = request::signal(body);
        self.limits.check_signal(body, text.len())?;
        let texts = texts.ok_or(SignalError::Offline)?;
        let paced = self.pace.take(&self.limits, self.begun.elapsed());
        paced.map_err(|wait| SignalError::TooOften { wait })?;
        texts.push_back(text.into());
        Ok(())
    }

    /// The state changes and whoever listens is found at one moment, so that a stream that is opened has each message
    /// either in its first state or behind it.
    fn take(&mut self, frame: Frame) -> Result<(), Misfit> {
        let mut ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
        let mut heard = Vec::new();
        let (mut taken, mut is_whole) = (Ok(()), false);
        self.state.send_if_modified(|state| {
            // Its number alone: a second state would make each change a copy of all of it.
            let before = state.seq();
            taken = self.reception.take(frame, state, &mut heard);
            is_whole = heard.iter().any(|heard| matches!(heard, Heard::State { .. }));
            is_whole || state.seq() != before
        });
        ears.is_whole |= is_whole;
        ears.open.retain(|ear| !ear.is_closed());
        if !ears.open.is_empty() {
            self.waiting.extend(heard.into_iter().map(|heard| (heard, ears.open.clone())));
        }
        taken
    }
}

impl Part for Watching {
    type Order = Order;

    fn enter(&mut self) -> String {
        self.entering = self.ids.next();
        let cursor = self.reception.cursor(&self.state.borrow());
        let viewer = self.identity.borrow();
        request::join(&self.entering, &self.room, viewer.as_ref(), cursor.as_ref(), self.reception.integrity())
    }

    fn hear(&mut self, frame: Frame, _texts: &mut Texts) -> Result<(), End> {
        match frame {
            Frame::Joined(entry, _) if entry.id != self.entering => return Ok(()),
            Frame::Joined(ref entry, _) => {
                self.signs = Some(entry.signs);
                self.limits = Limits::of(entry.limits, self.message_bytes_max);
                self.knows(entry.owner);
                if let Some(viewer) = &entry.viewer {
                    self.identity.send_replace(Some(viewer.clone()));
                }
            }
            Frame::Reset(ref entry, _) => self.knows(entry.owner),
            Frame::Owner(owner, ..) => self.knows(owner),
            Frame::Error(id, refused) if id.as_ref() == Some(&self.entering) => return Err(refused_to_enter(&refused)),
            // A signal has no id.
            Frame::Error(_, refused) => {
                let ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
                if !ears.open.is_empty() {
                    self.waiting.push_back((Heard::SignalRefused(refused), ears.open.clone()));
                }
                return Ok(());
            }
            Frame::Audience(audience) => {
                self.audience.send_replace(Some(audience.viewers));
                return Ok(());
            }
            _ => {}
        }
        self.take(frame).map_err(|misfit| match misfit {
            Misfit::Nonsense => Closing::lost("protocol").into(),
            Misfit::Behind => Closing::lost("behind").into(),
            Misfit::TooMuch => Closing::lost("limit").for_good().into(),
        })
    }

    fn signs(&self) -> Option<Signs> {
        self.signs
    }

    fn grace(&self) -> Option<Duration> {
        None
    }

    fn unproven_bytes(&self) -> usize {
        0
    }

    fn owed_since(&self) -> Option<Instant> {
        None
    }

    fn is_ending(&self) -> bool {
        false
    }

    fn inside(&self) -> Option<Status> {
        match self.reception.position() {
            Position::Coming => None,
            Position::Live => Some(Status::Live),
            Position::Away => Some(Status::Away { since: self.away_since }),
            Position::Lagging => Some(Status::Lagging),
        }
    }

    fn obey(&mut self, order: Order, texts: Option<&mut Texts>) {
        let Order::Signal(body, done) = order;
        // Who asked may be gone.
        let _ = done.send(self.say(&body, texts));
    }

    fn can_obey(&self) -> bool {
        true
    }

    fn is_left_alone(&mut self) {
        self.is_left_alone = true;
        self.waiting.clear();
    }

    fn farewell(&mut self) -> Option<&'static str> {
        Some(request::LEAVE)
    }

    fn wish(&self) -> Wish {
        if self.is_left_alone { Wish::Go(Closing::of(CloseReason::Left)) } else { Wish::Stay }
    }

    fn has_heard(&self) -> bool {
        !self.waiting.is_empty() && !self.is_left_alone
    }

    async fn pass_on(&mut self) {
        while let Some((heard, ears)) = self.waiting.front_mut() {
            while let Some(ear) = ears.last() {
                // Who listened may have stopped.
                ear.send(|| heard.clone(), heard.bytes()).await;
                ears.pop();
            }
            self.waiting.pop_front();
        }
    }

    fn cut(&mut self) {
        self.reception.cut();
        self.signs = None;
        self.audience.send_if_modified(|audience| audience.take().is_some());
    }

    fn over(&mut self, _closing: &Closing) {
        let mut ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
        ears.is_over = true;
        ears.open.clear();
    }
}
