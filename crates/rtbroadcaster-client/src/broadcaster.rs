//! An owner over the network: its handle. Must not know connections.

mod failure;
mod lease;
mod opening;
mod part;
mod ticket;
mod unacked;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rtbroadcaster_core::audience::Audience;
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::{Cursor, RoomId, Seq};
use rtbroadcaster_core::message::{Body, Change, Key, Message, MessageError, Params};
use rtbroadcaster_core::owner_key::OwnerKey;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::crowd::Signals;
use super::limits::Limits;
use super::request;
use super::state::State;
use super::status::Status;
use super::{Options, crowd};
pub use failure::OpenError;
use lease::Lease;
pub use lease::Loss;
#[cfg(test)]
pub(super) use part::Beginning;
use part::Order;
pub use rtbroadcaster_core::refusal::PublishError;
pub use ticket::Ticket;
use ticket::is_over;

/// The owner of a room over the network, which comes back to it by itself. A room has one speaker, so this cannot be cloned.
///
/// What it publishes is said in the order in which it was asked to, and stored once: after a cut, what was not acknowledged is
/// said again under the same id.
///
/// # Losing the owner
/// Dropping it leaves the room without an owner; it ends after the server's grace, unless somebody with the
/// [key](Self::key) owns it. Whoever does that while this one is here fences it: everything fails with
/// [`PublishError::Fenced`] from then on, and it does not come back. If its connection was cut at just that moment it cannot
/// know, comes back by the same key, and fences the other one: see [`term`](Self::term).
///
/// A server that has lost its disk, or was begun on an older copy of it, may lack messages that it had acknowledged:
/// [`watch_loss`](Self::watch_loss) tells that. This owner goes on with what the server has.
///
/// # Closing
/// [`close`](Self::close) ends the room when everything that was published is safe.
///
/// ```no_run
/// use rtbroadcaster::{Message, remote::{Broadcaster, PublishError}};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let owner = Broadcaster::create("ws://127.0.0.1:8080/broadcasting").await?;
/// println!("viewers join {}", owner.room());
/// owner.publish(Message::state("score", [2, 1])).await?;
/// match owner.publish(Message::event("note", "not an array")).await {
///     Err(PublishError::BadMessage(why)) => println!("{why}"),
///     other => panic!("{other:?}"),
/// }
/// owner.close().await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Broadcaster {
    orders: mpsc::Sender<Order>,
    opened: Opened,
    status: watch::Receiver<Status>,
    state: watch::Receiver<State>,
    lease: watch::Receiver<Lease>,
    limits: watch::Receiver<Limits>,
    loss: watch::Receiver<Option<Loss>>,
    audience: watch::Receiver<Option<Audience>>,
    hurry: Arc<Notify>,
    ears: Arc<Mutex<Vec<crowd::Ear>>>,
    options: Options,
}

/// The room that is owned.
#[derive(Debug, Clone)]
struct Opened {
    room: RoomId,
    key: OwnerKey,
}

impl Broadcaster {
    /// The room's name, which viewers join by.
    pub fn room(&self) -> RoomId {
        self.opened.room.clone()
    }

    /// The key that makes whoever holds it the owner. It belongs in no log, no address and no list of processes.
    pub fn key(&self) -> &OwnerKey {
        &self.opened.key
    }

    /// The number of its lease. Each change of owner takes the next one, and so does each time that this one came back: where
    /// it has grown by more, somebody else was the owner in between.
    pub fn term(&self) -> u64 {
        self.lease.borrow().term
    }

    /// Returns the grace in force: how long the room waits for its owner once the owner is away. `None` where the server
    /// does not tell it. [`RoomOptions::with_grace`](rtbroadcaster_core::options::RoomOptions::with_grace) asks for one.
    pub fn grace(&self) -> Option<Duration> {
        self.lease.borrow().grace
    }

    /// Returns where it stands: the epoch and the number of its newest acknowledgement, and before the first one the
    /// room's last number when it was opened. A program that keeps this beside the [key](Self::key) can hand it to
    /// [`own_after`](Self::own_after) and so learn of lost messages also across its own restarts.
    ///
    /// Cursors are kept and handed back as they are: no epoch says anything by itself, and it may change without a message.
    pub fn cursor(&self) -> Cursor {
        self.lease.borrow().cursor.clone().expect("the room was opened with its epoch and its number")
    }

    /// Tells of each time that the server lacked messages that it had acknowledged, the newest at least; `None` while that
    /// has not happened. The state, the cursor and this change before the status is [`Live`](Status::Live) again.
    ///
    /// It stays silent where the server does not check an owner's cursor (an older one), and when this owner begins without
    /// a cursor.
    ///
    /// ```no_run
    /// # async fn run(owner: rtbroadcaster::remote::Broadcaster) -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::Message;
    ///
    /// let mut losses = owner.watch_loss();
    /// while losses.changed().await.is_ok() {
    ///     let Some(loss) = losses.borrow_and_update().clone() else { continue };
    ///     println!("{:?}: {} of {} is the last one now", loss.reason, loss.seq, loss.acked.seq);
    ///     owner.publish(Message::state("score", [2, 1])).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn watch_loss(&self) -> watch::Receiver<Option<Loss>> {
        self.loss.clone()
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Tells of each change of the status, the newest at least.
    pub fn watch_status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// What holds in the room: what the server had when this one began to own it, and what was acknowledged since.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Tells how many watch, how many of them are behind, and how far; `None` while it does not own the room.
    pub fn audience(&self) -> watch::Receiver<Option<Audience>> {
        self.audience.clone()
    }

    /// What viewers say from now on. Signals that nobody takes in time are lost and counted.
    pub fn signals(&self) -> Signals {
        let (ear, signals) = Signals::open(self.options.messages_max, self.options.messages_bytes_max);
        let mut ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
        // The task drops the ears when it is over; what comes later hears nothing.
        if !self.orders.is_closed() {
            ears.push(ear);
        }
        signals
    }

    /// Says `message` to every viewer, and gives its number when it is safe; for an ephemeral message, which has none, the last
    /// acknowledged one when it is on its way.
    ///
    /// A message without an [id](Message::with_id) gets one. Without a connection it waits for the next one.
    ///
    /// # Errors
    /// The message has a fault, was refused, or the broadcaster is over.
    pub async fn publish(&self, message: Message) -> Result<Seq, PublishError> {
        self.send(message).await?.await
    }

    /// Has `message` said, and gives a [`Ticket`] for its number as soon as it has a place among those that wait for their
    /// acknowledgement, [`unacked_max`](Options::unacked_max) in all. So a program need not wait for one to say the next.
    ///
    /// # Errors
    /// The message has a fault, or the broadcaster is over.
    pub async fn send(&self, message: Message) -> Result<Ticket, PublishError> {
        message.check()?;
        let (kind, body) = message.parts();
        let body = body.cloned().expect("it was checked");
        self.order(body, kind.into()).await
    }

    /// Removes `key` from the state and gives the number of that change.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub async fn clear(&self, key: &str) -> Result<Seq, PublishError> {
        let key = Key::new(key).ok_or(MessageError::Key { bytes: key.len() })?;
        self.order(Body { key, params: Params::NONE, id: None }, Change::Cleared).await?.await
    }

    async fn order(&self, body: Body, change: Change) -> Result<Ticket, PublishError> {
        self.limits.borrow().check(&body, request::say_bytes(&body, change))?;
        let (done, acked) = oneshot::channel();
        let status = self.status.clone();
        match self.orders.send(Order::Say(body, change, done)).await {
            Ok(()) => Ok(Ticket { acked, status }),
            Err(_) => {
                // It is about to say why.
                super::over(status.clone()).await;
                Err(is_over(&status))
            }
        }
    }

    /// Tries at once: outside of the room the next attempt begins now, but no sooner than a server has told, and not more
    /// often than once a second. In the room the server is asked for a sign of life. A program calls it when it knows more
    /// than this broadcaster, such as that the network is back.
    pub fn reconnect(&self) {
        self.hurry.notify_one();
    }

    /// Ends the room when everything that was published is safe: every viewer is told after it.
    ///
    /// # Errors
    /// The room was not ended by this: another owner has it, or the server does not let this one come back.
    pub async fn close(self) -> Result<(), PublishError> {
        // Where it is over already, that is said.
        let _ = self.orders.send(Order::Close).await;
        match super::over(self.status).await {
            closing if closing.code() == CloseReason::Done.code() => Ok(()),
            closing => Err(closing.into()),
        }
    }
}
