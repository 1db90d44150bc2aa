//! Opens a room: creates a new one, or owns one by its key. Must not know messages.

use std::sync::{Arc, Mutex};

use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::id::{Cursor, RoomId};
use rtbroadcaster_core::options::RoomOptions;
use rtbroadcaster_core::owner_key::OwnerKey;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::lease::OwnerLease;
use super::part::{Beginning, Owning, Telling};
use super::{OpenError, Owner};
use crate::address::AddressError;
use crate::dial::Dialer;
use crate::limits::Limits;
use crate::reconnector::Reconnector;
use crate::state::State;
use crate::status::Status;
use crate::target::Target;
use crate::{Options, crowd};

impl Owner {
    /// Creates a room on the server at `address` and owns it. Retries until the server answers.
    ///
    /// # Errors
    /// The address is malformed, or the server refuses.
    pub async fn create(to: impl TryInto<Target, Error: Into<AddressError>>) -> Result<Self, OpenError> {
        Self::create_with(to, RoomOptions::default(), Options::default()).await
    }

    /// Creates a room with these options: `room` has those of the room, such as its grace, and `options` those of this
    /// owner.
    ///
    /// # Errors
    /// The address is malformed, the server refuses, or patience has ended.
    ///
    /// ```no_run
    /// use rtbroadcaster::remote::{Owner, Options, Signal};
    /// use rtbroadcaster::{Counting, RoomOptions};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let once = Counting { once_per_viewer: true, ..Counting::default() };
    /// let room = RoomOptions::new().with_audience().with_counting("vote", once)?;
    /// let owner = Owner::create_with("ws://127.0.0.1:8080/broadcasting", room, Options::default()).await?;
    /// while let Some(signal) = owner.signals().next().await {
    ///     match signal {
    ///         Signal::Counts { key, counts, .. } => println!("{}: {} answers", key.as_str(), counts.len()),
    ///         Signal::Single { key, from, .. } => println!("{} from {from:?}", key.as_str()),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn create_with(
        to: impl TryInto<Target, Error: Into<AddressError>>,
        room: RoomOptions,
        options: Options,
    ) -> Result<Self, OpenError> {
        let dialer = Dialer::new(to.try_into().map_err(Into::into)?, &options);
        Self::begin(dialer, Beginning::Create(room), None, options).await
    }

    /// Owns `room` by its key: returns to it, or takes it over from its present owner.
    ///
    /// # Errors
    /// The address is malformed, there is no such room or the key is not its own, or the server refuses.
    pub async fn own(
        to: impl TryInto<Target, Error: Into<AddressError>>,
        room: RoomId,
        key: OwnerKey,
    ) -> Result<Self, OpenError> {
        Self::own_with(to, room, key, Options::default()).await
    }

    /// Owns `room` by its key, with these options.
    ///
    /// # Errors
    /// As [`own`](Self::own), or patience has ended.
    pub async fn own_with(
        to: impl TryInto<Target, Error: Into<AddressError>>,
        room: RoomId,
        key: OwnerKey,
        options: Options,
    ) -> Result<Self, OpenError> {
        let dialer = Dialer::new(to.try_into().map_err(Into::into)?, &options);
        Self::begin(dialer, Beginning::Own(room, key), None, options).await
    }

    /// Owns `room` by its key and the [`cursor`](Self::cursor) of an earlier owner. If the server lacks a message that
    /// was acknowledged up to the cursor, [`watch_loss`](Self::watch_loss) has the loss as soon as this returns.
    ///
    /// # Errors
    /// As [`own_with`](Self::own_with).
    ///
    /// ```no_run
    /// use rtbroadcaster::remote::{Owner, Cursor, Epoch, Options};
    /// use rtbroadcaster::{OwnerKey, RoomId, Seq};
    ///
    /// # async fn run(room: RoomId, key: OwnerKey, epoch: &str, seq: u64) -> Result<(), Box<dyn std::error::Error>> {
    /// let cursor = Cursor { epoch: Epoch::from_wire(epoch).ok_or("epoch")?, seq: Seq::new(seq).ok_or("seq")? };
    /// let address = "ws://127.0.0.1:8080/broadcasting";
    /// let owner = Owner::own_after(address, room, key, cursor, Options::default()).await?;
    /// if let Some(loss) = owner.watch_loss().borrow().clone() {
    ///     println!("the server had acknowledged {} and has messages up to {}", loss.acked.seq, loss.seq);
    /// }
    /// println!("keep this: {} {}", owner.cursor().epoch.as_str(), owner.cursor().seq);
    /// # Ok(()) }
    /// ```
    pub async fn own_after(
        to: impl TryInto<Target, Error: Into<AddressError>>,
        room: RoomId,
        key: OwnerKey,
        cursor: Cursor,
        options: Options,
    ) -> Result<Self, OpenError> {
        let dialer = Dialer::new(to.try_into().map_err(Into::into)?, &options);
        Self::begin(dialer, Beginning::Own(room, key), Some(cursor), options).await
    }

    /// Opens the room on connections of `dialer`; `cursor` is the position up to which the program knows the room.
    pub(crate) async fn begin(
        dialer: Dialer,
        beginning: Beginning,
        cursor: Option<Cursor>,
        options: Options,
    ) -> Result<Self, OpenError> {
        let (orders, receiver) = mpsc::channel(1);
        let (status_sender, status) = watch::channel(Status::Connecting { failed: 0, next: None });
        let (state_sender, state) = watch::channel(State::default());
        let (lease_sender, lease) = watch::channel(OwnerLease::new(cursor));
        let (limits_sender, limits) = watch::channel(Limits::of(None, options.message_bytes_max));
        let (loss_sender, loss) = watch::channel(None);
        let (audience_sender, audience) = watch::channel(None);
        let (done, opened) = oneshot::channel();
        let (subscribers, hurry) = (Arc::<Mutex<Vec<crowd::SignalSender>>>::default(), Arc::<Notify>::default());
        let telling = Telling {
            state: state_sender,
            lease: lease_sender,
            limits: limits_sender,
            loss: loss_sender,
            audience: audience_sender,
            subscribers: Arc::clone(&subscribers),
        };
        let owning = Owning::new(beginning, &options, done, telling);
        tokio::spawn(Reconnector::new(owning, dialer, &options, receiver, status_sender, Arc::clone(&hurry)).run());
        let opened = match opened.await {
            Ok(opened) => opened,
            Err(_) => {
                return Err(match crate::over(status).await {
                    closing if closing.code() == CloseReason::NoRoom.code() => OpenError::NoRoom,
                    closing if closing.reason() == "exists" => OpenError::Exists,
                    closing => OpenError::Closed(closing),
                });
            }
        };
        Ok(Self { orders, opened, status, state, lease, limits, loss, audience, hurry, subscribers, options })
    }
}
