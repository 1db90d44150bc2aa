//! What an owner does on its way: creates its room or owns it by its key, speaks, and says again what was not
//! acknowledged. Must not know sockets.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rtbroadcaster_core::audience::Audience;
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::{Epoch, RoomId, Seq};
use rtbroadcaster_core::message::{Body, Change};
use rtbroadcaster_core::options::RoomOptions;
use rtbroadcaster_core::owner_key::OwnerKey;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::lease::{Lease, Loss};
use super::unacked::{IDS_MAX, Pending, Unacked, Waiter};
use super::{Opened, PublishError};
use crate::Options;
use crate::comeback::End;
use crate::course::{Part, Texts, Wish};
use crate::crowd::Ear;
use crate::frame::{Entry, Frame, How, Said, refused_to_enter};
use crate::limits::Limits;
use crate::liveness::Signs;
use crate::random::Random;
use crate::request::{self, Ids};
use crate::state::State;
use crate::status::Status;
use rtbroadcaster_core::closing::Closing;

/// How the room comes to be owned.
#[derive(Debug)]
pub(crate) enum Beginning {
    /// It is made.
    Create(RoomOptions),
    /// It is there.
    Own(RoomId, OwnerKey),
}

/// What the program asks of its broadcaster.
#[derive(Debug)]
pub(crate) enum Order {
    /// Say this.
    Say(Body, Change, Waiter),
    /// End the room.
    Close,
}

/// What is told to the program.
pub(super) struct Telling {
    pub(super) state: watch::Sender<State>,
    pub(super) lease: watch::Sender<Lease>,
    pub(super) limits: watch::Sender<Limits>,
    pub(super) loss: watch::Sender<Option<Loss>>,
    pub(super) audience: watch::Sender<Option<Audience>>,
    pub(super) ears: Arc<Mutex<Vec<Ear>>>,
}

/// Where it is on its connection.
#[derive(Debug)]
enum Place {
    /// It has no answer.
    Outside,
    /// The state is on its way.
    Coming { entry: Box<Entry>, how: Option<How>, left: u64, state: State },
    /// It owns the room.
    Inside,
    /// It has said that the room is to end, at this moment.
    Closing { since: Instant },
}

/// An owner on its way.
pub(crate) struct Owning {
    beginning: Beginning,
    /// Who waits for the room.
    done: Option<oneshot::Sender<Opened>>,
    ids: Ids,
    /// The id of the request that entered the room last.
    entering: Box<str>,
    place: Place,
    /// What the server has told on the present connection.
    signs: Option<Signs>,
    unacked: Unacked,
    unacked_max: usize,
    state_bytes_max: usize,
    message_bytes_max: usize,
    telling: Telling,
    /// The room is to end when everything is safe.
    is_closing: bool,
    is_left_alone: bool,
}

impl Owning {
    pub(super) fn new(
        beginning: Beginning,
        options: &Options,
        done: oneshot::Sender<Opened>,
        telling: Telling,
    ) -> Self {
        Self {
            beginning,
            done: Some(done),
            ids: Ids::new(&mut Random::new()),
            entering: "".into(),
            place: Place::Outside,
            signs: None,
            unacked: Unacked::default(),
            unacked_max: options.unacked_max.clamp(1, IDS_MAX),
            state_bytes_max: options.state_bytes_max,
            message_bytes_max: options.message_bytes_max,
            telling,
            is_closing: false,
            is_left_alone: false,
        }
    }

    /// It owns the room: what was said and may not have come is said again.
    fn is_in(&mut self, entry: Entry, how: Option<How>, texts: &mut Texts) {
        self.place = Place::Inside;
        // What no longer fits would be refused again and again.
        self.unacked.check(&self.telling.limits.borrow(), Instant::now());
        let mut loss = None;
        self.telling.lease.send_modify(|lease| loss = lease.entered(entry, how));
        // Told last, so that a program that hears of it finds the state and the cursor that are left.
        if loss.is_some() {
            self.telling.loss.send_replace(loss);
        }
        // Until an owner is told anything there are no viewers.
        self.telling.audience.send_replace(Some(Audience::default()));
        texts.extend(self.unacked.texts());
        if let (Beginning::Own(room, key), Some(done)) = (&self.beginning, self.done.take()) {
            // Whoever wanted the room may be gone; then it is left alone.
            let _ = done.send(Opened { room: room.clone(), key: key.clone() });
        }
        self.close_if_all_is_safe(texts);
    }

    /// Whether this answer is one to the request that enters the room, and the first one on this connection.
    fn can_be(&self, answer: &Frame) -> bool {
        let is_of_its_kind = match (answer, &self.beginning) {
            (Frame::Created(..), Beginning::Create(_)) => true,
            // Each value of the state has a number of its own.
            (Frame::Owned(entry, _), Beginning::Own(..)) => entry.replay <= entry.seq.get(),
            _ => false,
        };
        is_of_its_kind && matches!(self.place, Place::Outside)
    }

    fn close_if_all_is_safe(&mut self, texts: &mut Texts) {
        if self.is_closing && self.unacked.len() == 0 && matches!(self.place, Place::Inside) {
            self.place = Place::Closing { since: Instant::now() };
            texts.push_back(request::CLOSE.into());
        }
    }

    /// A part of the state.
    fn comes(&mut self, said: Said) -> Result<(), End> {
        let nonsense = || Err(Closing::lost("protocol").into());
        let Place::Coming { entry, left, state, .. } = &mut self.place else { return nonsense() };
        let is_next = said.seq.is_some_and(|seq| seq > state.seq() && seq <= entry.seq) && *left > 0;
        match (said.seq, said.change) {
            (Some(seq), Change::State) if is_next => state.insert(seq, said.key, said.params),
            _ => return nonsense(),
        }
        if state.bytes() > self.state_bytes_max {
            return Err(too_much());
        }
        *left -= 1;
        Ok(())
    }

    /// When all of the state has come it takes the place of the older one.
    fn complete(&mut self, texts: &mut Texts) {
        if !matches!(self.place, Place::Coming { left: 0, .. }) {
            return;
        }
        if let Place::Coming { entry, how, mut state, .. } = std::mem::replace(&mut self.place, Place::Inside) {
            state.reach(entry.seq);
            self.telling.state.send_replace(state);
            self.is_in(*entry, how, texts);
        }
    }

    /// The server has answered, and told what it takes.
    fn answered(&mut self, entry: &Entry) {
        self.signs = Some(entry.signs);
        self.telling.limits.send_replace(Limits::of(entry.limits, self.message_bytes_max));
    }

    fn say(&mut self, mut body: Body, change: Change, waiter: Waiter, texts: Option<&mut Texts>) {
        // They may be others than those that the program's call was checked against.
        let fits = self.telling.limits.borrow().check(&body, request::say_bytes(&body, change));
        if let Err(fault) = fits {
            let _ = waiter.send(Err(fault.into()));
            return;
        }
        if change == Change::Ephemeral {
            let last = self.telling.state.borrow().seq();
            let sent = texts.map(|texts| texts.push_back(request::say(&body, change).into()));
            let _ = waiter.send(sent.map(|()| last).ok_or(PublishError::Offline));
            return;
        }
        let id = body.id.get_or_insert_with(|| self.ids.next()).clone();
        let text = request::say(&body, change).into();
        let Body { key, params, .. } = body;
        let pending = Pending { id, text, key, params, change, waiter };
        if let Some(texts) = texts {
            texts.push_back(pending.text.clone());
        }
        self.unacked.push(pending, Instant::now());
    }

    /// The room is in another life. While a state is on its way, the epoch belongs to that state.
    fn live_in(&mut self, epoch: Epoch) {
        let continues = match &mut self.place {
            Place::Outside => false,
            Place::Coming { entry, how, .. } => {
                entry.epoch = epoch.clone();
                *how == Some(How::Resumed)
            }
            Place::Inside | Place::Closing { .. } => true,
        };
        if continues {
            self.telling.lease.send_modify(|lease| lease.live_in(epoch));
        }
    }

    fn acked(&mut self, id: &str, seq: Seq) -> Result<(), End> {
        // What was not said, or is acknowledged already, says nothing.
        if !self.unacked.has(id) {
            return Ok(());
        }
        self.telling.lease.send_modify(|lease| lease.acked(seq));
        self.telling.state.send_if_modified(|state| {
            let before = state.seq();
            self.unacked.acked(id, seq, state, Instant::now());
            state.seq() != before
        });
        if self.telling.state.borrow().bytes() > self.state_bytes_max { Err(too_much()) } else { Ok(()) }
    }
}

/// The state has more bytes than it may, and would have them again.
fn too_much() -> End {
    Closing::lost("limit").for_good().into()
}

impl Part for Owning {
    type Order = Order;

    fn enter(&mut self) -> String {
        self.entering = self.ids.next();
        match &self.beginning {
            Beginning::Create(options) => request::create(&self.entering, options),
            Beginning::Own(room, key) => {
                request::own(&self.entering, room, key, self.telling.lease.borrow().cursor.as_ref())
            }
        }
    }

    fn hear(&mut self, frame: Frame, texts: &mut Texts) -> Result<(), End> {
        match frame {
            Frame::Created(..) | Frame::Owned(..) if !self.can_be(&frame) => {
                return Err(Closing::lost("protocol").into());
            }
            Frame::Created(entry, key) if entry.id == self.entering => {
                let room = entry.room.clone().ok_or_else(|| Closing::lost("protocol"))?;
                self.answered(&entry);
                self.beginning = Beginning::Own(room, key);
                self.is_in(entry, None, texts);
            }
            Frame::Owned(entry, how) if entry.id == self.entering => {
                self.answered(&entry);
                self.telling.lease.send_modify(|lease| lease.answered(&entry, how));
                self.place = Place::Coming { left: entry.replay, state: State::default(), entry: Box::new(entry), how };
                self.complete(texts);
            }
            Frame::Owner(_, _, Some(epoch)) => self.live_in(epoch),
            Frame::Message(said) => {
                self.comes(said)?;
                self.complete(texts);
            }
            Frame::Ack(id, seq) => {
                self.acked(&id, seq)?;
                self.close_if_all_is_safe(texts);
            }
            Frame::Error(Some(id), refused) if id == self.entering => return Err(refused_to_enter(&refused)),
            // The server has not read what was too big, and so does not know its id.
            Frame::Error(None, refused) if refused.code() == "too_big" => {
                self.unacked.biggest_refused(refused, Instant::now());
                self.close_if_all_is_safe(texts);
            }
            Frame::Error(Some(id), refused) => {
                self.unacked.refused(&id, refused, Instant::now());
                self.close_if_all_is_safe(texts);
            }
            Frame::Audience(audience) => _ = self.telling.audience.send_replace(Some(audience)),
            Frame::Signal(signal) => {
                let mut ears = self.telling.ears.lock().unwrap_or_else(PoisonError::into_inner);
                ears.retain(|ear| ear.hear(&signal));
            }
            _ => {}
        }
        Ok(())
    }

    fn signs(&self) -> Option<Signs> {
        self.signs
    }

    fn grace(&self) -> Option<Duration> {
        match &self.place {
            Place::Coming { entry, .. } => entry.grace,
            _ => self.telling.lease.borrow().grace,
        }
    }

    fn unproven_bytes(&self) -> usize {
        self.unacked.bytes()
    }

    fn owed_since(&self) -> Option<Instant> {
        match self.place {
            Place::Closing { since } => Some(since),
            _ => self.unacked.owed_since(),
        }
    }

    fn is_ending(&self) -> bool {
        matches!(self.place, Place::Closing { .. })
    }

    fn inside(&self) -> Option<Status> {
        matches!(self.place, Place::Inside | Place::Closing { .. }).then_some(Status::Live)
    }

    fn obey(&mut self, order: Order, mut texts: Option<&mut Texts>) {
        match order {
            Order::Say(body, change, waiter) => self.say(body, change, waiter, texts),
            Order::Close => {
                self.is_closing = true;
                if let Some(texts) = texts.as_mut() {
                    self.close_if_all_is_safe(texts);
                }
            }
        }
    }

    fn can_obey(&self) -> bool {
        self.unacked.len() < self.unacked_max && !self.is_closing
    }

    fn is_left_alone(&mut self) {
        self.is_left_alone = true;
    }

    fn farewell(&mut self) -> Option<&'static str> {
        // The room stays, for its grace or for another owner.
        None
    }

    fn wish(&self) -> Wish {
        // Who is closing is left alone by its handle.
        let goes = self.is_left_alone && !self.is_closing;
        if goes { Wish::Go(Closing::of(CloseReason::Left)) } else { Wish::Stay }
    }

    fn has_heard(&self) -> bool {
        false
    }

    async fn pass_on(&mut self) {}

    fn cut(&mut self) {
        self.place = Place::Outside;
        self.signs = None;
        self.telling.audience.send_if_modified(|audience| audience.take().is_some());
    }

    fn over(&mut self, closing: &Closing) {
        self.done = None;
        self.unacked.end(&closing.clone().into());
        self.telling.ears.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
