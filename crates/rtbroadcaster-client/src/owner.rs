//! The program's handle of an owner over the network. Must not know connections.

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
pub use lease::Loss;
use lease::OwnerLease;
#[cfg(test)]
pub(super) use part::Beginning;
use part::OwnerOrder;
pub use rtbroadcaster_core::refusal::PublishError;
pub use ticket::Ticket;
use ticket::is_over;

/// The owner of a room over the network, which reconnects by itself. A room has one owner, so this cannot be cloned.
///
/// It sends messages in the order of the calls, and the server stores each once: after a cut, it sends the
/// unacknowledged ones again under the same ids.
///
/// # Losing the owner
/// Dropping it leaves the room without an owner; the room ends after the server's grace, unless another owner takes it
/// over with the [key](Self::key). An owner that takes the room over while this one is connected fences it: from then
/// on, every publish fails with [`PublishError::Fenced`], and this one does not reconnect. If its connection was cut at
/// just that moment, it does not know that, reconnects with the same key, and fences the other one: see
/// [`term`](Self::term).
///
/// A server that has lost its disk, or was started on an older copy of it, may lack messages that it had acknowledged:
/// [`watch_loss`](Self::watch_loss) reports that. This owner continues with the messages that the server has.
///
/// # Closing
/// [`close`](Self::close) ends the room when every published message is stored.
///
/// ```no_run
/// use rtbroadcaster::{Message, remote::{Owner, PublishError}};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let owner = Owner::create("ws://127.0.0.1:8080/broadcasting").await?;
/// println!("viewers join {}", owner.room());
/// owner.publish(Message::state("score", [2, 1])?).await?;
/// match owner.publish(Message::event("note", ["x".repeat(1 << 20)])?).await {
///     Err(PublishError::BadMessage(why)) => println!("{why}: the server takes less"),
///     other => panic!("{other:?}"),
/// }
/// owner.close().await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Owner {
    orders: mpsc::Sender<OwnerOrder>,
    opened: Opened,
    status: watch::Receiver<Status>,
    state: watch::Receiver<State>,
    lease: watch::Receiver<OwnerLease>,
    limits: watch::Receiver<Limits>,
    loss: watch::Receiver<Option<Loss>>,
    audience: watch::Receiver<Option<Audience>>,
    hurry: Arc<Notify>,
    subscribers: Arc<Mutex<Vec<crowd::SignalSender>>>,
    options: Options,
}

/// The room that this owner owns.
#[derive(Debug, Clone)]
struct Opened {
    room: RoomId,
    key: OwnerKey,
}

impl Owner {
    /// Returns the room's id, by which viewers join.
    pub fn room(&self) -> RoomId {
        self.opened.room.clone()
    }

    /// Returns the key: any program that has it can own the room. It belongs in no log, no address and no list of
    /// processes.
    pub fn key(&self) -> &OwnerKey {
        &self.opened.key
    }

    /// Returns the number of its lease. Each change of owner takes the next number, and so does each reconnect of this
    /// one: if it has grown by more, another owner had the room in between.
    pub fn term(&self) -> u64 {
        self.lease.borrow().term
    }

    /// Returns the grace in force: how long the room waits for its owner once the owner is away. `None` if the server
    /// does not send it. [`RoomOptions::with_grace`](rtbroadcaster_core::options::RoomOptions::with_grace) asks for
    /// one.
    pub fn grace(&self) -> Option<Duration> {
        self.lease.borrow().grace
    }

    /// Returns the cursor: the epoch and the number of its newest acknowledgement, and before the first one the room's
    /// last number when it was opened. A program that keeps this beside the [key](Self::key) can pass it to
    /// [`own_after`](Self::own_after), to learn of lost messages also across its own restarts.
    ///
    /// Keep and pass cursors unchanged: an epoch is opaque, and it may change without a message.
    pub fn cursor(&self) -> Cursor {
        self.lease.borrow().cursor.clone().expect("the room was opened with its epoch and its number")
    }

    /// Returns a receiver of each loss: the server lacked messages that it had acknowledged. A slow reader gets the
    /// newest one; `None` before the first. The state, the cursor and this change before the status is
    /// [`Live`](Status::Live) again.
    ///
    /// It never changes if the server does not check an owner's cursor (an older one), nor for an owner that begins
    /// without a cursor.
    ///
    /// ```no_run
    /// # async fn run(owner: rtbroadcaster::remote::Owner) -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::Message;
    ///
    /// let mut losses = owner.watch_loss();
    /// while losses.changed().await.is_ok() {
    ///     let Some(loss) = losses.borrow_and_update().clone() else { continue };
    ///     println!("{:?}: {} of {} is the last one now", loss.reason, loss.seq, loss.acked.seq);
    ///     owner.publish(Message::state("score", [2, 1])?).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn watch_loss(&self) -> watch::Receiver<Option<Loss>> {
        self.loss.clone()
    }

    /// Returns the status.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Returns a receiver of the status. A slow reader gets the newest one.
    pub fn watch_status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Returns the room's state: the server's when this owner entered the room, with each acknowledged message since.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Returns a receiver of the number of viewers, how many of them lag, and how far; `None` while it does not own the
    /// room.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use rtbroadcaster::{Config, Manager, Permit};
    /// # let manager = Manager::new(Config::default());
    /// # let to = manager.in_memory(Permit::owner());
    /// use rtbroadcaster::RoomOptions;
    /// use rtbroadcaster::remote::{Options, Owner};
    ///
    /// let owner = Owner::create_with(to, RoomOptions::new().with_audience(), Options::default()).await?;
    /// let mut audience = owner.audience();
    /// # audience.wait_for(Option::is_some).await?;
    /// assert_eq!(audience.borrow_and_update().map(|audience| audience.viewers), Some(0));
    /// owner.close().await?;
    /// while audience.changed().await.is_ok() {} // until the room has ended
    /// # Ok(()) }
    /// ```
    pub fn audience(&self) -> watch::Receiver<Option<Audience>> {
        self.audience.clone()
    }

    /// Returns a stream of the viewers' signals from now on. Signals that do not fit into it are dropped and counted.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use rtbroadcaster::{Config, Manager, Permit};
    /// # let manager = Manager::new(Config::default());
    /// # let to = manager.in_memory(Permit::owner());
    /// use rtbroadcaster::remote::Owner;
    ///
    /// let owner = Owner::create(to).await?;
    /// let mut signals = owner.signals();
    /// owner.close().await?;
    /// assert_eq!(signals.next().await, None, "the room has ended");
    /// # Ok(()) }
    /// ```
    pub fn signals(&self) -> Signals {
        let (subscriber, signals) = Signals::open(self.options.messages_max, self.options.messages_bytes_max);
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        // Its task drops all senders when it ends; a later one would never be dropped.
        if !self.orders.is_closed() {
            subscribers.push(subscriber);
        }
        signals
    }

    /// Publishes `message` to every viewer, and returns its number once it is stored. For an ephemeral message, which
    /// has no number, returns the last acknowledged one once it is queued for the connection.
    ///
    /// A message without an [id](Message::with_id) gets one. Without a connection, it waits for the next one.
    ///
    /// # Errors
    /// The message has more bytes than the server takes, was refused, or the owner is over.
    pub async fn publish(&self, message: Message) -> Result<Seq, PublishError> {
        self.send(message).await?.await
    }

    /// Queues `message`, and returns a [`Ticket`] for its number as soon as it is one of the at most
    /// [`unacked_max`](Options::unacked_max) unacknowledged messages. So a program can publish the next one without
    /// waiting.
    ///
    /// # Errors
    /// The message has more bytes than the server takes, or the owner is over.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use rtbroadcaster::{Config, Manager, Permit};
    /// # let manager = Manager::new(Config::default());
    /// # let to = manager.in_memory(Permit::owner());
    /// use rtbroadcaster::{Message, remote::Owner};
    ///
    /// let owner = Owner::create(to).await?;
    /// let first = owner.send(Message::event("goal", ["home"])?).await?;
    /// let second = owner.send(Message::event("goal", ["away"])?).await?;
    /// assert_eq!((first.await?.get(), second.await?.get()), (1, 2));
    /// # Ok(()) }
    /// ```
    pub async fn send(&self, message: Message) -> Result<Ticket, PublishError> {
        let kind = message.kind();
        self.order(message.into_body(), kind.into()).await
    }

    /// Removes `key` from the state, and returns the number of that change.
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
        match self.orders.send(OwnerOrder::Say(body, change, done)).await {
            Ok(()) => Ok(Ticket { acked, status }),
            Err(_) => {
                // Its status is about to become the reason.
                super::over(status.clone()).await;
                Err(is_over(&status))
            }
        }
    }

    /// Reconnects at once: outside of the room, the next attempt begins now, but not before the time that a server has
    /// sent, and at most once per second. In the room, it probes the connection. A program calls it when it knows more
    /// than this owner, such as that the network is back.
    pub fn reconnect(&self) {
        self.hurry.notify_one();
    }

    /// Ends the room once every published message is stored. Each viewer gets them before the end.
    ///
    /// # Errors
    /// The room was not ended by this call: another owner has it, or the server does not let this one reconnect.
    pub async fn close(self) -> Result<(), PublishError> {
        // If it has ended already, its status is returned.
        let _ = self.orders.send(OwnerOrder::Close).await;
        match super::over(self.status).await {
            closing if closing.code() == CloseReason::Done.code() => Ok(()),
            closing => Err(closing.into()),
        }
    }
}
