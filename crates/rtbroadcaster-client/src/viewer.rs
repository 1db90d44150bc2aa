//! The program's handle of a viewer over the network. Must not know connections.

mod part;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rtbroadcaster_core::closing::Closing;
use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::message::{Body, Message, MessageError};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::Options;
use super::address::AddressError;
use super::dial::Dialer;
use super::heard::{Heard, Messages};
use super::identity::Identity;
use super::reconnector::Reconnector;
use super::state::State;
use super::status::Status;
use super::target::Target;
use part::{Subscribers, Telling, ViewerOrder, Watching};

/// The most requests of the program that wait for the viewer's task.
const ORDERS_MAX: usize = 16;

/// A viewer of a room over the network, which reconnects by itself.
///
/// # Late joining
/// It gets the newest value of each key at one moment, as [`state`](Self::state), then every message. A stream that is
/// opened later begins in the same way, with the state of that moment.
///
/// # Lagging
/// A program that does not read its [`messages`](Self::messages) slows down this viewer's connection and no other one.
/// The server lets newer values supersede waiting ones ([`Heard::Skipped`]) or replays the state ([`Heard::State`]).
///
/// # Losing the owner
/// The status is [`Away`](Status::Away) until the owner is back, or the room has ended.
///
/// # Closing
/// The streams end and the status is [`Closed`](Status::Closed) when the room has ended, when the server closes for
/// good, or when [patience](Options::patience) ends. Dropping the viewer, or [`leave`](Self::leave), leaves the room.
///
/// ```no_run
/// use rtbroadcaster::remote::{Heard, Viewer};
///
/// # async fn watch(room: rtbroadcaster::RoomId) -> Result<(), Box<dyn std::error::Error>> {
/// let viewer = Viewer::join("ws://127.0.0.1:8080/broadcasting", room)?;
/// let mut messages = viewer.messages();
/// while let Some(heard) = messages.next().await {
///     match heard {
///         Heard::State { state, .. } => println!("a new state of {} keys", state.len()),
///         Heard::Message(message) => println!("{}: {}", message.key(), message.params().as_str()),
///         _ => {}
///     }
/// }
/// println!("{:?}", viewer.status());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Viewer {
    orders: mpsc::Sender<ViewerOrder>,
    status: watch::Receiver<Status>,
    state: watch::Receiver<State>,
    audience: watch::Receiver<Option<usize>>,
    identity: watch::Receiver<Option<Identity>>,
    hurry: Arc<Notify>,
    subscribers: Arc<Mutex<Subscribers>>,
    options: Options,
}

/// Why a signal was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignalError {
    /// There is no connection, and a signal does not wait for one.
    #[error("there is no connection")]
    Offline,
    /// The key or the parameters have a fault. The source says which.
    #[error("the signal cannot be sent")]
    BadSignal(#[from] MessageError),
    /// The viewer has sent as many signals per second as the server accepts.
    #[error("signals are sent too often")]
    TooOften {
        /// The time until the next one may be sent.
        wait: Duration,
    },
    /// The viewer has ended.
    #[error("the viewer is over")]
    Closed(#[source] Closing),
}

impl Viewer {
    /// Begins to join `room` on the server at `address`, and retries until it is in. Needs a tokio runtime.
    ///
    /// # Errors
    /// The address is malformed.
    pub fn join(to: impl TryInto<Target, Error: Into<AddressError>>, room: RoomId) -> Result<Self, AddressError> {
        Self::join_with(to, room, Options::default())
    }

    /// Begins to join `room` with these options.
    ///
    /// # Errors
    /// The address is malformed.
    pub fn join_with(
        to: impl TryInto<Target, Error: Into<AddressError>>,
        room: RoomId,
        options: Options,
    ) -> Result<Self, AddressError> {
        Ok(Self::begin(Dialer::new(to.try_into().map_err(Into::into)?, &options), room, None, &options))
    }

    /// Begins to join `room` with this [`identity`](Self::identity). A server that does not know it assigns another
    /// one.
    ///
    /// # Errors
    /// The address is malformed.
    ///
    /// ```no_run
    /// use rtbroadcaster::remote::{Identity, Options, Viewer};
    ///
    /// # fn come_again(room: rtbroadcaster::RoomId, kept: &str) -> Result<Viewer, Box<dyn std::error::Error>> {
    /// let identity: Identity = kept.parse()?;
    /// Ok(Viewer::join_as("ws://127.0.0.1:8080/broadcasting", room, identity, Options::default())?)
    /// # }
    /// ```
    pub fn join_as(
        to: impl TryInto<Target, Error: Into<AddressError>>,
        room: RoomId,
        identity: Identity,
        options: Options,
    ) -> Result<Self, AddressError> {
        Ok(Self::begin(Dialer::new(to.try_into().map_err(Into::into)?, &options), room, Some(identity), &options))
    }

    /// Begins on connections of `dialer`.
    pub(super) fn begin(dialer: Dialer, room: RoomId, identity: Option<Identity>, options: &Options) -> Self {
        let (orders, receiver) = mpsc::channel(ORDERS_MAX);
        let (status_sender, status) = watch::channel(Status::Connecting { failed: 0, next: None });
        let (state_sender, state) = watch::channel(State::default());
        let (audience_sender, audience) = watch::channel(None);
        let (identity_sender, identity) = watch::channel(identity);
        let (subscribers, hurry) = (Arc::<Mutex<Subscribers>>::default(), Arc::<Notify>::default());
        let telling = Telling {
            state: state_sender,
            audience: audience_sender,
            identity: identity_sender,
            subscribers: Arc::clone(&subscribers),
        };
        let watching = Watching::new(room, telling, options);
        let reconnector = Reconnector::new(watching, dialer, options, receiver, status_sender, Arc::clone(&hurry));
        tokio::spawn(reconnector.run());
        Self { orders, status, state, audience, identity, hurry, subscribers, options: *options }
    }

    /// Returns a stream of everything that arrives from now on, beginning with the state, if it has one already. More
    /// than one stream may be open; each holds at most [`messages_max`](Options::messages_max) and
    /// [`messages_bytes_max`](Options::messages_bytes_max), and the viewer waits for the slowest one.
    pub fn messages(&self) -> Messages {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        let state = subscribers.is_whole().then(|| Heard::State { reset: None, state: self.state.borrow().clone() });
        let (sender, messages) = Messages::open(self.options.messages_max, self.options.messages_bytes_max, state);
        subscribers.add(sender);
        messages
    }

    /// Returns the room's state, as far as this viewer knows it.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Returns a receiver of the state. A slow reader gets the newest one.
    pub fn watch_state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Returns the status.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Returns a receiver of the status. A slow reader gets the newest one.
    pub fn watch_status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Returns a receiver of the number of viewers, if the room was created
    /// [with it](rtbroadcaster_core::options::RoomOptions::with_audience); `None` otherwise, and outside of the room.
    pub fn audience(&self) -> watch::Receiver<Option<usize>> {
        self.audience.clone()
    }

    /// Returns the viewer's identity, once a server has sent it; before, the one that it [joined](Self::join_as) with.
    /// It stays the same after a reconnect, and after a restart of a server that keeps its secret.
    pub fn identity(&self) -> Option<Identity> {
        self.identity.borrow().clone()
    }

    /// Reconnects at once: outside of the room, the next attempt begins now, but not before the time that a server has
    /// sent, and at most once per second. In the room, it probes the connection. A program calls it when it knows more
    /// than this viewer, such as that the network is back.
    pub fn reconnect(&self) {
        self.hurry.notify_one();
    }

    /// Waits until it has all of the room's state.
    ///
    /// # Errors
    /// The viewer has ended before.
    pub async fn inside(&self) -> Result<(), Closing> {
        super::inside(self.status.clone()).await
    }

    /// Sends a signal to the owner. `params` is anything that serializes as a JSON array, or `()` for none.
    ///
    /// A signal that the server refuses is reported as [`Heard::SignalRefused`]: `rate` if signals come too often,
    /// `unavailable` if the owner is away or does not read, `too_big` if the room counts this key and `params` are over
    /// 128 bytes. The program decides whether to send it again.
    ///
    /// # Errors
    /// The signal was not sent: there is no connection, or the server would refuse it, since it has a fault, such as
    /// more bytes than the server accepts, or comes too often.
    pub async fn signal(&self, key: &str, params: impl serde::Serialize) -> Result<(), SignalError> {
        let body: Body = Message::event(key, params)?.into_body();
        let (done, sent) = oneshot::channel();
        // No answer means that the viewer has ended.
        let ordered = self.orders.send(ViewerOrder::Signal(body, done)).await;
        match ordered.ok() {
            Some(()) => sent.await.unwrap_or_else(|_| Err(self.is_over())),
            None => Err(self.is_over()),
        }
    }

    fn is_over(&self) -> SignalError {
        self.status().closing().map_or(SignalError::Offline, |closing| SignalError::Closed(closing.clone()))
    }

    /// Leaves the room, and returns the end that the server gave.
    pub async fn leave(self) -> Closing {
        let Self { orders, status, .. } = self;
        drop(orders);
        super::over(status).await
    }
}
