//! What a viewer does on its way: joins, takes what it hears, and passes it on. Must not know sockets.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::SignalError;
use crate::id::RoomId;
use crate::message::Body;
use crate::remote::comeback::End;
use crate::remote::course::{Part, Texts, Wish};
use crate::remote::crowd::Audience;
use crate::remote::ending::Closing;
use crate::remote::frame::Frame;
use crate::remote::heard::Heard;
use crate::remote::queue::Sender;
use crate::remote::random::Random;
use crate::remote::reception::{Misfit, Position, Reception};
use crate::remote::request::{self, Ids};
use crate::remote::state::State;
use crate::remote::status::Status;

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
pub(in crate::remote) enum Order {
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
    alive: Option<Duration>,
    state: watch::Sender<State>,
    audience: watch::Sender<Option<Audience>>,
    ears: Arc<Mutex<Ears>>,
    /// What is to be passed on, each to those who had an ear open when it came.
    waiting: VecDeque<(Heard, Vec<Sender<Heard>>)>,
    is_left_alone: bool,
}

impl Watching {
    pub(super) fn new(
        room: RoomId,
        state: watch::Sender<State>,
        audience: watch::Sender<Option<Audience>>,
        ears: Arc<Mutex<Ears>>,
        state_bytes_max: usize,
    ) -> Self {
        let ids = Ids::new(&mut Random::new());
        let (reception, waiting) = (Reception::new(state_bytes_max), VecDeque::new());
        let entering = "".into();
        Self { room, ids, entering, reception, alive: None, state, audience, ears, waiting, is_left_alone: false }
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
        request::join(&self.entering, self.room, cursor.as_ref(), self.reception.integrity())
    }

    fn hear(&mut self, frame: Frame, _texts: &mut Texts) -> Result<(), End> {
        match frame {
            Frame::Joined(entry, _) if entry.id != self.entering => return Ok(()),
            Frame::Joined(ref entry, _) => self.alive = entry.alive,
            Frame::Error(id, refused) if id.as_ref() == Some(&self.entering) => return Err(refused.to_enter()),
            // A signal has no id.
            Frame::Error(_, refused) => {
                let ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
                if !ears.open.is_empty() {
                    self.waiting.push_back((Heard::SignalRefused(refused), ears.open.clone()));
                }
                return Ok(());
            }
            Frame::Audience(audience) => {
                self.audience.send_replace(Some(audience));
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

    fn alive(&self) -> Option<Duration> {
        self.alive
    }

    fn is_answered(&self) -> bool {
        self.reception.is_in()
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
            Position::Away => Some(Status::Away),
            Position::Lagging => Some(Status::Lagging),
        }
    }

    fn obey(&mut self, order: Order, texts: Option<&mut Texts>) {
        let Order::Signal(body, done) = order;
        let sent = texts.map(|texts| texts.push_back(request::signal(&body).into())).ok_or(SignalError::Offline);
        // Who asked may be gone.
        let _ = done.send(sent);
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
        if self.is_left_alone { Wish::Go(Closing::with(1000, "left")) } else { Wish::Stay }
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
        self.audience.send_if_modified(|audience| audience.take().is_some());
    }

    fn over(&mut self, _closing: &Closing) {
        let mut ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
        ears.is_over = true;
        ears.open.clear();
    }
}
