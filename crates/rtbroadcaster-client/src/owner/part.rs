//! The owner's side of a client's task: creates a room or owns it by its key, publishes, and sends unacknowledged
//! messages again. Must not know sockets.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rtbroadcaster_core::audience::Audience;
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::closing::Closing;
use rtbroadcaster_core::id::{Epoch, RoomId, Seq};
use rtbroadcaster_core::message::{Body, Change};
use rtbroadcaster_core::options::RoomOptions;
use rtbroadcaster_core::owner_key::OwnerKey;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::lease::{Loss, OwnerLease};
use super::unacked::{IDS_MAX, Pending, Unacked, Waiter};
use super::{Opened, PublishError};
use crate::Options;
use crate::backoff::ConnectionEnd;
use crate::crowd::SignalSender;
use crate::frame::{Admission, How, MessageFrame, ServerFrame, refused_to_enter};
use crate::limits::Limits;
use crate::liveness::Signs;
use crate::random::Rng;
use crate::reconnector::{ClientRole, Intent, Texts};
use crate::request::{self, RequestIds};
use crate::state::State;
use crate::status::Status;

/// The way in which the owner gets its room.
#[derive(Debug)]
pub(crate) enum Beginning {
    /// It creates a room.
    Create(RoomOptions),
    /// It owns an existing room by its key.
    Own(RoomId, OwnerKey),
}

/// A request of the program.
#[derive(Debug)]
pub(crate) enum OwnerOrder {
    /// Publish this.
    Say(Body, Change, Waiter),
    /// End the room.
    Close,
}

/// The senders of everything that the program can watch.
pub(super) struct Telling {
    pub(super) state: watch::Sender<State>,
    pub(super) lease: watch::Sender<OwnerLease>,
    pub(super) limits: watch::Sender<Limits>,
    pub(super) loss: watch::Sender<Option<Loss>>,
    pub(super) audience: watch::Sender<Option<Audience>>,
    pub(super) subscribers: Arc<Mutex<Vec<SignalSender>>>,
}

/// The owner's progress on its connection.
#[derive(Debug)]
enum OwnerStage {
    /// The server has not answered.
    Outside,
    /// The replay of the state is incomplete.
    Coming { entry: Box<Admission>, how: Option<How>, left: u64, state: State },
    /// The owner owns the room.
    Inside,
    /// The owner has asked the server to end the room, at this moment.
    Closing { since: Instant },
}

/// The task's state of an owner.
pub(crate) struct Owning {
    beginning: Beginning,
    /// The sender of the opened room to the program, until the room is open.
    done: Option<oneshot::Sender<Opened>>,
    ids: RequestIds,
    /// The id of the request that entered the room last.
    entering: Box<str>,
    stage: OwnerStage,
    /// The server's promises about heartbeats and pongs on the present connection.
    signs: Option<Signs>,
    unacked: Unacked,
    unacked_max: usize,
    state_bytes_max: usize,
    message_bytes_max: usize,
    telling: Telling,
    /// Whether the room is to end once every message is stored.
    is_closing: bool,
    is_handle_dropped: bool,
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
            ids: RequestIds::new(&mut Rng::new()),
            entering: "".into(),
            stage: OwnerStage::Outside,
            signs: None,
            unacked: Unacked::default(),
            unacked_max: options.unacked_max.clamp(1, IDS_MAX),
            state_bytes_max: options.state_bytes_max,
            message_bytes_max: options.message_bytes_max,
            telling,
            is_closing: false,
            is_handle_dropped: false,
        }
    }

    /// Notes that the owner is in the room, and sends the unacknowledged messages again.
    fn is_in(&mut self, entry: Admission, how: Option<How>, texts: &mut Texts) {
        self.stage = OwnerStage::Inside;
        // The server would refuse a message that exceeds its limits again and again.
        self.unacked.check(&self.telling.limits.borrow(), Instant::now());
        let mut loss = None;
        self.telling.lease.send_modify(|lease| loss = lease.entered(entry, how));
        // Sent last, so that a program that sees the loss finds the state and the cursor that are left.
        if loss.is_some() {
            self.telling.loss.send_replace(loss);
        }
        // Until the server sends an audience, there are no viewers.
        self.telling.audience.send_replace(Some(Audience::default()));
        texts.extend(self.unacked.texts());
        if let (Beginning::Own(room, key), Some(done)) = (&self.beginning, self.done.take()) {
            // The program may have dropped the future that waits for the room; then its handle is dropped, too.
            let _ = done.send(Opened { room: room.clone(), key: key.clone() });
        }
        self.close_if_all_is_safe(texts);
    }

    /// Returns whether `answer` fits the request that enters the room, and is the first one on this connection.
    fn can_be(&self, answer: &ServerFrame) -> bool {
        let is_of_its_kind = match (answer, &self.beginning) {
            (ServerFrame::Created(..), Beginning::Create(_)) => true,
            // Each value of the state has its own number.
            (ServerFrame::Owned(entry, _), Beginning::Own(..)) => entry.replay <= entry.seq.get(),
            _ => false,
        };
        is_of_its_kind && matches!(self.stage, OwnerStage::Outside)
    }

    /// Asks the server to end the room if that is wanted and every message is stored.
    fn close_if_all_is_safe(&mut self, texts: &mut Texts) {
        if self.is_closing && self.unacked.len() == 0 && matches!(self.stage, OwnerStage::Inside) {
            self.stage = OwnerStage::Closing { since: Instant::now() };
            texts.push_back(request::CLOSE.into());
        }
    }

    /// Takes one value of the state's replay.
    fn comes(&mut self, said: MessageFrame) -> Result<(), ConnectionEnd> {
        let nonsense = || Err(Closing::lost("protocol").into());
        let OwnerStage::Coming { entry, left, state, .. } = &mut self.stage else { return nonsense() };
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

    /// Replaces the older state if the replay is complete.
    fn complete(&mut self, texts: &mut Texts) {
        if !matches!(self.stage, OwnerStage::Coming { left: 0, .. }) {
            return;
        }
        if let OwnerStage::Coming { entry, how, mut state, .. } = std::mem::replace(&mut self.stage, OwnerStage::Inside)
        {
            state.reach(entry.seq);
            self.telling.state.send_replace(state);
            self.is_in(*entry, how, texts);
        }
    }

    /// Takes the limits and promises of the server's answer.
    fn answered(&mut self, entry: &Admission) {
        self.signs = Some(entry.signs);
        self.telling.limits.send_replace(Limits::of(entry.limits, self.message_bytes_max));
    }

    /// Publishes a message, or fails it if it exceeds a limit.
    fn say(&mut self, mut body: Body, change: Change, waiter: Waiter, texts: Option<&mut Texts>) {
        // The limits may have changed since the check in the program's call.
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

    /// Takes the epoch of the room's next life. During a replay of the state, the epoch belongs to the replayed state.
    fn live_in(&mut self, epoch: Epoch) {
        let continues = match &mut self.stage {
            OwnerStage::Outside => false,
            OwnerStage::Coming { entry, how, .. } => {
                entry.epoch = epoch.clone();
                *how == Some(How::Resumed)
            }
            OwnerStage::Inside | OwnerStage::Closing { .. } => true,
        };
        if continues {
            self.telling.lease.send_modify(|lease| lease.live_in(epoch));
        }
    }

    /// Takes an acknowledgement.
    fn acked(&mut self, id: &str, seq: Seq) -> Result<(), ConnectionEnd> {
        // Ignored: no such message was sent, or it is acknowledged already.
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

/// Returns the final end by a state with too many bytes, which a reconnect would bring again.
fn too_much() -> ConnectionEnd {
    Closing::lost("limit").for_good().into()
}

impl ClientRole for Owning {
    type Order = OwnerOrder;

    fn enter(&mut self) -> String {
        self.entering = self.ids.next();
        match &self.beginning {
            Beginning::Create(options) => request::create(&self.entering, options),
            Beginning::Own(room, key) => {
                request::own(&self.entering, room, key, self.telling.lease.borrow().cursor.as_ref())
            }
        }
    }

    fn take_frame(&mut self, frame: ServerFrame, texts: &mut Texts) -> Result<(), ConnectionEnd> {
        match frame {
            ServerFrame::Created(..) | ServerFrame::Owned(..) if !self.can_be(&frame) => {
                return Err(Closing::lost("protocol").into());
            }
            ServerFrame::Created(entry, key) if entry.id == self.entering => {
                let room = entry.room.clone().ok_or_else(|| Closing::lost("protocol"))?;
                self.answered(&entry);
                self.beginning = Beginning::Own(room, key);
                self.is_in(entry, None, texts);
            }
            ServerFrame::Owned(entry, how) if entry.id == self.entering => {
                self.answered(&entry);
                self.telling.lease.send_modify(|lease| lease.answered(&entry, how));
                self.stage =
                    OwnerStage::Coming { left: entry.replay, state: State::default(), entry: Box::new(entry), how };
                self.complete(texts);
            }
            ServerFrame::Owner(_, _, Some(epoch)) => self.live_in(epoch),
            ServerFrame::Message(said) => {
                self.comes(said)?;
                self.complete(texts);
            }
            ServerFrame::Ack(id, seq) => {
                self.acked(&id, seq)?;
                self.close_if_all_is_safe(texts);
            }
            ServerFrame::Error(Some(id), refused) if id == self.entering => return Err(refused_to_enter(&refused)),
            // The server does not parse a message that is too big, so it does not know its id.
            ServerFrame::Error(None, refused) if refused.code() == "too_big" => {
                self.unacked.biggest_refused(refused, Instant::now());
                self.close_if_all_is_safe(texts);
            }
            ServerFrame::Error(Some(id), refused) => {
                self.unacked.refused(&id, refused, Instant::now());
                self.close_if_all_is_safe(texts);
            }
            ServerFrame::Audience(audience) => _ = self.telling.audience.send_replace(Some(audience)),
            ServerFrame::Signal(signal) => {
                let mut subscribers = self.telling.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
                subscribers.retain(|subscriber| subscriber.send(&signal));
            }
            _ => {}
        }
        Ok(())
    }

    fn signs(&self) -> Option<Signs> {
        self.signs
    }

    fn grace(&self) -> Option<Duration> {
        match &self.stage {
            OwnerStage::Coming { entry, .. } => entry.grace,
            _ => self.telling.lease.borrow().grace,
        }
    }

    fn unproven_bytes(&self) -> usize {
        self.unacked.bytes()
    }

    fn owed_since(&self) -> Option<Instant> {
        match self.stage {
            OwnerStage::Closing { since } => Some(since),
            _ => self.unacked.owed_since(),
        }
    }

    fn is_ending(&self) -> bool {
        matches!(self.stage, OwnerStage::Closing { .. })
    }

    fn inside(&self) -> Option<Status> {
        matches!(self.stage, OwnerStage::Inside | OwnerStage::Closing { .. }).then_some(Status::Live)
    }

    fn execute(&mut self, order: OwnerOrder, mut texts: Option<&mut Texts>) {
        match order {
            OwnerOrder::Say(body, change, waiter) => self.say(body, change, waiter, texts),
            OwnerOrder::Close => {
                self.is_closing = true;
                if let Some(texts) = texts.as_mut() {
                    self.close_if_all_is_safe(texts);
                }
            }
        }
    }

    fn can_execute(&self) -> bool {
        self.unacked.len() < self.unacked_max && !self.is_closing
    }

    fn handle_dropped(&mut self) {
        self.is_handle_dropped = true;
    }

    fn leave_request(&mut self) -> Option<&'static str> {
        // The room stays open for its grace, or for another owner.
        None
    }

    fn intent(&self) -> Intent {
        // Closing consumes the handle, which does not count as leaving.
        let goes = self.is_handle_dropped && !self.is_closing;
        if goes { Intent::Leave(Closing::of(CloseReason::Left)) } else { Intent::Stay }
    }

    fn has_undelivered(&self) -> bool {
        false
    }

    async fn deliver(&mut self) {}

    fn cut(&mut self) {
        self.stage = OwnerStage::Outside;
        self.signs = None;
        self.telling.audience.send_if_modified(|audience| audience.take().is_some());
    }

    fn over(&mut self, closing: &Closing) {
        self.done = None;
        self.unacked.end(&closing.clone().into());
        self.telling.subscribers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
