//! A viewer over the network: its handle. Must not know connections.

mod part;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::message::{Body, Message, MessageError};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::Options;
use super::address::AddressError;
use super::course::Course;
use super::crowd::Audience;
use super::dial::Dialer;
use super::ending::Closing;
use super::heard::{Heard, Messages};
use super::identity::Identity;
use super::state::State;
use super::status::Status;
use super::target::Target;
use part::{Ears, Order, Telling, Watching};

/// How many orders wait for the viewer's task.
const ORDERS_MAX: usize = 16;

/// Somebody who watches a room over the network, and comes back to it by itself.
///
/// # Late joining
/// It gets the newest value of each key at one moment, as [`state`](Self::state), then every message. A stream that is asked
/// for later begins in the same way, with the state of that moment.
///
/// # Lagging
/// Who does not read its [`messages`](Self::messages) holds the connection back, and the server lets newer values take the
/// place of waiting ones ([`Heard::Skipped`]) or gives the state anew ([`Heard::State`]). Nobody else waits.
///
/// # Losing the owner
/// The status is [`Away`](Status::Away) until the owner is back, or the room has ended.
///
/// # Closing
/// The streams end and the status is [`Closed`](Status::Closed) when the room has ended, when the server says that coming
/// back is no use, or when [patience](Options::patience) ends. Dropping it, or [`leave`](Self::leave), leaves the room.
///
/// ```no_run
/// use rtbroadcaster::remote::{Heard, Viewer};
///
/// # async fn watch(room: rtbroadcaster::RoomId) -> Result<(), Box<dyn std::error::Error>> {
/// let viewer = Viewer::join("ws://127.0.0.1:8080/broadcasting", room)?;
/// let mut messages = viewer.messages();
/// while let Some(heard) = messages.next().await {
///     match heard {
///         Heard::State { state, .. } => println!("everything anew: {} keys", state.len()),
///         Heard::Message(message) => println!("{}: {}", message.key(), message.params().as_str()),
///         _ => {}
///     }
/// }
/// println!("{:?}", viewer.status());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Viewer {
    orders: mpsc::Sender<Order>,
    status: watch::Receiver<Status>,
    state: watch::Receiver<State>,
    audience: watch::Receiver<Option<Audience>>,
    identity: watch::Receiver<Option<Identity>>,
    hurry: Arc<Notify>,
    ears: Arc<Mutex<Ears>>,
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
    /// The viewer has said as many in a second as the server takes.
    #[error("signals are said too often")]
    TooOften {
        /// How long until the next one may be said.
        wait: Duration,
    },
    /// The viewer is over.
    #[error("the viewer is over")]
    Closed(#[source] Closing),
}

impl Viewer {
    /// Begins to join `room` on the server `to` which it connects, and goes on trying. Needs a tokio runtime.
    ///
    /// # Errors
    /// The address is none.
    pub fn join(to: impl TryInto<Target, Error: Into<AddressError>>, room: RoomId) -> Result<Self, AddressError> {
        Self::join_with(to, room, Options::default())
    }

    /// The same with other options.
    ///
    /// # Errors
    /// The address is none.
    pub fn join_with(
        to: impl TryInto<Target, Error: Into<AddressError>>,
        room: RoomId,
        options: Options,
    ) -> Result<Self, AddressError> {
        Ok(Self::begin(Dialer::new(to.try_into().map_err(Into::into)?, &options), room, None, &options))
    }

    /// The same as the viewer that had this [`identity`](Self::identity). A server that does not know it gives another one.
    ///
    /// # Errors
    /// The address is none.
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
        let (ears, hurry) = (Arc::<Mutex<Ears>>::default(), Arc::<Notify>::default());
        let telling = Telling {
            state: state_sender,
            audience: audience_sender,
            identity: identity_sender,
            ears: Arc::clone(&ears),
        };
        let watching = Watching::new(room, telling, options);
        let course = Course::new(watching, dialer, options, receiver, status_sender, Arc::clone(&hurry));
        tokio::spawn(course.run());
        Self { orders, status, state, audience, identity, hurry, ears, options: *options }
    }

    /// What it hears from now on, beginning with the state, if it has one already. More than one stream may be open; each
    /// holds at most [`messages_max`](Options::messages_max) and [`messages_bytes_max`](Options::messages_bytes_max), and the
    /// viewer waits for the slowest one.
    pub fn messages(&self) -> Messages {
        let mut ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
        let state = ears.is_whole().then(|| Heard::State { reset: None, state: self.state.borrow().clone() });
        let (sender, messages) = Messages::open(self.options.messages_max, self.options.messages_bytes_max, state);
        ears.add(sender);
        messages
    }

    /// What holds in the room, as far as it is known here.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Tells of each change of the state, the newest at least.
    pub fn watch_state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Tells of each change of the status, the newest at least.
    pub fn watch_status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Tells how many watch the room, where its owner wanted viewers to know
    /// ([`RoomOptions::with_audience`](rtbroadcaster_core::options::RoomOptions::with_audience)); `None` elsewhere, and while it is not in the room.
    pub fn watch_audience(&self) -> watch::Receiver<Option<Audience>> {
        self.audience.clone()
    }

    /// Who it is in the room, once a server has told it; before, as whom it [joined](Self::join_as). It is the same over cuts,
    /// and over restarts of a server that keeps its secret.
    pub fn identity(&self) -> Option<Identity> {
        self.identity.borrow().clone()
    }

    /// Tries at once: outside of the room the next attempt begins now, but no sooner than a server has told, and not more
    /// often than once a second. In the room the server is asked for a sign of life. A program calls it when it knows more
    /// than this viewer, such as that the network is back.
    pub fn reconnect(&self) {
        self.hurry.notify_one();
    }

    /// Waits until it has all of the room's state.
    ///
    /// # Errors
    /// It will not come in.
    pub async fn inside(&self) -> Result<(), Closing> {
        super::inside(self.status.clone()).await
    }

    /// Says something to the owner. `params` is anything that serializes as a JSON array, or `()` for none.
    ///
    /// What the server does not pass on comes back as [`Heard::SignalRefused`]: `rate` when it comes too often, `unavailable`
    /// when the owner is away or does not take it, `too_big` when the room counts this key and `params` are over 128 bytes.
    /// Saying it again is for the program to decide.
    ///
    /// # Errors
    /// It was not sent: there is no connection, or the server would refuse it, since it has a fault, such as more bytes than the
    /// server takes, or comes too often.
    pub async fn signal(&self, key: &str, params: impl serde::Serialize) -> Result<(), SignalError> {
        let message = Message::event(key, params);
        message.check()?;
        let body: Body = message.parts().1.cloned().expect("it was checked");
        let (done, sent) = oneshot::channel();
        // Without an answer it is over.
        let ordered = self.orders.send(Order::Signal(body, done)).await;
        match ordered.ok() {
            Some(()) => sent.await.unwrap_or_else(|_| Err(self.is_over())),
            None => Err(self.is_over()),
        }
    }

    fn is_over(&self) -> SignalError {
        self.status().closing().map_or(SignalError::Offline, |closing| SignalError::Closed(closing.clone()))
    }

    /// Leaves the room, and gives what the server said of it.
    pub async fn leave(self) -> Closing {
        let Self { orders, status, .. } = self;
        drop(orders);
        super::over(status).await
    }
}
