//! The right to speak in a room, as a value.
//! Must not know sockets; a client that owns a room holds one of these like any Rust program.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::audience::Audience;
use rtbroadcaster_core::id::{RoomId, Seq, Term};
use rtbroadcaster_core::message::{Body, Change, Key, Message, MessageError, Params};
use rtbroadcaster_core::owner_key::OwnerKey;
use rtbroadcaster_core::refusal::PublishError;
use rtbroadcaster_core::room::core::{FixedHeader, ProposeError};
use rtbroadcaster_core::room::log::Proposal;
use rtbroadcaster_core::standing::{Standing, Start};
use tokio::sync::watch;

use super::ticket::Ticket;
use super::waiting::{Done, when_done};
use super::{Announce, Room, Signals};
use crate::fanout::Outbox;

/// The right to speak in one room. A room has one speaker, so this cannot be cloned.
///
/// # Losing the owner
/// Dropping it leaves the room without an owner. The room ends after [`owner_grace`](crate::Config::owner_grace),
/// unless a holder of the [key](Self::key) becomes the owner by [`Manager::own`](crate::Manager::own). That is also
/// possible while the owner is there: it is fenced at once, and what it publishes from then on is refused.
///
/// # Closing
/// [`close`](Self::close) ends the room at once: every viewer gets the end, after everything that was published.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rtbroadcaster::{Config, Manager, Message, PublishError};
///
/// let manager = Manager::new(Config::default());
/// let owner = manager.create_room().await?;
/// println!("viewers join {}", owner.room());
/// owner.publish(Message::state("score", [2, 1])?).await?;
/// match owner.publish(Message::event("note", ["x".repeat(1 << 20)])?).await {
///     Err(PublishError::BadMessage(why)) => println!("{why}: the server takes less"),
///     other => panic!("{other:?}"),
/// }
/// owner.close().await?;
/// # assert!(manager.rooms().is_empty());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Owner {
    room: Arc<Room>,
    /// The lease under which it speaks.
    term: Term,
    /// The key with which another program, or this one later, becomes the owner.
    key: Option<OwnerKey>,
}

impl Owner {
    pub(super) fn new(room: Arc<Room>, term: Term, key: Option<OwnerKey>) -> Self {
        Self { room, term, key }
    }

    /// Returns the room's name, by which viewers join.
    pub fn room(&self) -> RoomId {
        self.room.id().clone()
    }

    /// Returns the key, by which a program becomes the owner with [`Manager::own`](crate::Manager::own).
    pub fn key(&self) -> &OwnerKey {
        self.key.as_ref().expect("only the room of a classic client has none, and that client is its owner")
    }

    /// Returns the key, if the room has one: that of a classic client has none.
    pub(crate) fn key_of_client(&self) -> Option<&OwnerKey> {
        self.key.as_ref()
    }

    /// Returns the number of its lease: each change of owner takes the next one.
    pub fn term(&self) -> u64 {
        self.term.get()
    }

    /// Returns how long the room waits for its owner once it is gone: [`owner_grace`](crate::Config::owner_grace), or
    /// what its creator [asked for](crate::RoomOptions::with_grace) within the limits. `None` for ever.
    pub fn grace(&self) -> Option<Duration> {
        self.room.grace()
    }

    /// Returns how many connections watch the room at this moment. A viewer may have several, see
    /// [`Audience::viewers`].
    pub fn viewers(&self) -> usize {
        self.room.viewers()
    }

    /// Returns how many viewers watch the room and how far they are behind, from now on. It is sent at once when the
    /// first viewer joins or the last one leaves, otherwise at most once a second and only when it has changed. It ends
    /// when the room has ended or another owner has taken over.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::{Config, Manager};
    ///
    /// let owner = Manager::new(Config::default()).create_room().await?;
    /// let mut audience = owner.audience();
    /// assert_eq!(audience.borrow_and_update().map(|audience| audience.viewers), Some(0));
    /// owner.close().await?;
    /// while audience.changed().await.is_ok() {} // until the room has ended
    /// # Ok(()) }
    /// ```
    pub fn audience(&self) -> watch::Receiver<Option<Audience>> {
        self.room.watch_audience(self.term)
    }

    /// Returns the signals of viewers to the owner of the room, from now on, see
    /// [`Manager::create_room_with`](crate::Manager::create_room_with). Before this is called, and after the returned
    /// `Signals` is dropped, the server refuses single signals; it counts the others all the same. Called again, only
    /// the newest `Signals` gets them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::{Config, Manager};
    ///
    /// let owner = Manager::new(Config::default()).create_room().await?;
    /// let mut signals = owner.signals();
    /// owner.close().await?;
    /// assert_eq!(signals.next().await, None, "the room has ended");
    /// # Ok(()) }
    /// ```
    pub fn signals(&self) -> Signals {
        self.room.hear_signals(self.term)
    }

    /// Publishes `message` to every viewer, and returns its number when it is safe. That is at once, or when the log is
    /// written where the room is kept. An ephemeral message has no number; for one this returns that of the last
    /// numbered message.
    ///
    /// Waits while more than 1 MiB is on its way to the room's lanes: an owner is slowed, never refused by rate.
    ///
    /// # Errors
    /// [`PublishError`] if the room has ended or has another owner, if the message is over `message_bytes_max`, if the
    /// state is full, or if the id names another message: then no viewer gets the message.
    /// [`PublishError::Unavailable`] if the log cannot be written.
    pub async fn publish(&self, message: Message) -> Result<Seq, PublishError> {
        self.send(message).await?.await
    }

    /// Publishes `message`, and returns a [`Ticket`] for its number as soon as the room has taken it, in the order of
    /// the calls. So a program that owns a kept room need not wait for one message to be written before it publishes
    /// the next.
    ///
    /// # Errors
    /// As [`publish`](Self::publish), if that is known at once.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rtbroadcaster::{Config, Manager, Message};
    ///
    /// let owner = Manager::new(Config::default()).create_room().await?;
    /// let first = owner.send(Message::event("goal", ["home"])?).await?;
    /// let second = owner.send(Message::event("goal", ["away"])?).await?;
    /// assert_eq!((first.await?.get(), second.await?.get()), (1, 2));
    /// # Ok(()) }
    /// ```
    pub async fn send(&self, message: Message) -> Result<Ticket, PublishError> {
        let (body, change) = self.check(message)?;
        self.take(body, change).await
    }

    /// Removes `key` from the state and returns the number of that change. Late viewers do not get the key any more.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub async fn clear(&self, key: &str) -> Result<Seq, PublishError> {
        let key = Key::new(key).ok_or(MessageError::Key { bytes: key.len() })?;
        self.take(Body { key, params: Params::NONE, id: None }, Change::Cleared).await?.await
    }

    async fn take(&self, body: Body, change: Change) -> Result<Ticket, PublishError> {
        let mut written = None;
        let done = || {
            let (done, outcome) = when_done();
            written = Some(outcome);
            done
        };
        let seq = self.propose(body, change, done).await?;
        Ok(match written {
            Some(outcome) => Ticket::waiting(outcome),
            None => Ticket::ready(seq.expect("a proposal that needs no callback has its number")),
        })
    }

    /// Publishes as [`publish`](Self::publish) does. If the log has to be written first, returns `None`, and `done` is
    /// called when it is, under the room's lock.
    pub(crate) async fn say(
        &self,
        message: Message,
        done: impl FnOnce() -> Done + Send,
    ) -> Result<Option<Seq>, PublishError> {
        let (body, change) = self.check(message)?;
        self.propose(body, change, done).await
    }

    /// Removes `key` from the state, with an `id` by which a repetition is recognized. Returns what [`say`](Self::say)
    /// does.
    pub(crate) async fn clear_as(
        &self,
        key: Key,
        id: Option<Box<str>>,
        done: impl FnOnce() -> Done + Send,
    ) -> Result<Option<Seq>, PublishError> {
        self.propose(Body { key, params: Params::NONE, id }, Change::Cleared, done).await
    }

    fn check(&self, message: Message) -> Result<(Body, Change), PublishError> {
        let kind = message.kind();
        let body = message.into_body();
        let (bytes, limit) = (body.bytes(), self.room.message_bytes_max);
        if bytes > limit {
            return Err(MessageError::TooBig { bytes, limit }.into());
        }
        Ok((body, kind.into()))
    }

    /// Returns a future that waits until the lanes have room for `bytes`, or `None` if they have. A program that owns
    /// the room waits in [`publish`](Self::publish); a client task has more to do meanwhile.
    pub(crate) fn slowed(&self, bytes: usize) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        if self.room.has_budget(bytes) {
            return None;
        }
        let room = Arc::clone(&self.room);
        // Released at once. No other part publishes in this room, so the budget is still there when the message comes.
        Some(Box::pin(async move { drop(room.budget(bytes).await) }))
    }

    /// Returns whether the room is about to leave this process, and does not end.
    pub(crate) fn departs(&self) -> bool {
        self.room.departs()
    }

    /// Returns the room's standing.
    pub(crate) fn standing(&self) -> Standing {
        self.room.standing()
    }

    /// Ends the room: every viewer gets everything that was published, then its connection is closed. Returns when the
    /// end is safe, which takes a write where the room is kept.
    ///
    /// # Errors
    /// [`PublishError::Fenced`] if another owner has the room, which does not end then. [`PublishError::RoomEnded`] if
    /// it had ended before.
    pub async fn close(self) -> Result<(), PublishError> {
        let (done, written) = when_done();
        self.room.end_by_owner(self.term, done)?;
        Ticket::waiting(written).await.map(|_| ())
    }

    /// Forgets the room, which another node has.
    pub(super) fn forget_room(self) {
        self.room.unlist("another node has a room of its name");
    }

    /// Ends the room of an owner that is a client, which gets the end through its outbox.
    pub(crate) fn close_now(self) {
        let (done, _) = when_done();
        // If it has ended, or has another owner, that is on its way to the client.
        let _ = self.room.end_by_owner(self.term, done);
    }

    async fn propose(
        &self,
        body: Body,
        change: Change,
        done: impl FnOnce() -> Done + Send,
    ) -> Result<Option<Seq>, PublishError> {
        let charge = self.room.budget(body.bytes()).await.ok_or(PublishError::RoomEnded)?;
        let Body { key, params, id } = body;
        let proposal = Proposal { term: self.term, key, params, change, id };
        Ok(self.room.propose(proposal, charge, done)?)
    }

    /// Writes the room's header, before any client learns of the room.
    pub(super) async fn begins(&self, origin: FixedHeader) -> Result<(), ProposeError> {
        self.room.begin(origin).await
    }

    /// Sets the outbox of an owner that is a client, through which it gets the room's end.
    pub(crate) fn speaks_through(&self, outbox: &Arc<Outbox>) {
        self.room.set_owner_outbox(outbox);
    }

    /// Sets the outbox of an owner that is a client and takes over a room, in which it stood at `start` if it owned it
    /// before. It is sent what `announce` writes, and the state.
    pub(crate) fn is_greeted_through(&self, outbox: &Arc<Outbox>, start: &Start, announce: Announce<'_>) {
        self.room.greet_owner(self.term, outbox, start, announce);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.room.owner_left(self.term);
    }
}
