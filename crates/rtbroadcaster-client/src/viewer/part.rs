//! The viewer's side of a client's task: joins, applies frames, and delivers them to the program. Must not know
//! sockets.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::closing::Closing;
use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::message::Body;
use rtbroadcaster_core::standing::OwnerStatus;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::SignalError;
use crate::Options;
use crate::backoff::ConnectionEnd;
use crate::frame::{OwnerPresence, ServerFrame, refused_to_enter};
use crate::heard::Heard;
use crate::identity::Identity;
use crate::limits::{Limits, SignalPacer};
use crate::liveness::Signs;
use crate::queue::Sender;
use crate::random::Rng;
use crate::reconnector::{ClientRole, Intent, Texts};
use crate::request::{self, RequestIds};
use crate::state::State;
use crate::status::Status;
use crate::viewer_sync::{Position, SyncError, ViewerSync};

/// The open streams of the program.
#[derive(Debug, Default)]
pub(super) struct Subscribers {
    open: Vec<Sender<Heard>>,
    /// Whether the viewer has a state.
    is_whole: bool,
    /// Whether the viewer has ended.
    is_over: bool,
}

impl Subscribers {
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    pub(super) fn add(&mut self, subscriber: Sender<Heard>) {
        if !self.is_over {
            self.open.push(subscriber);
        }
    }
}

/// A request of the program.
pub(crate) enum ViewerOrder {
    /// Send this to the owner.
    Signal(Body, oneshot::Sender<Result<(), SignalError>>),
}

/// The task's state of a viewer.
pub(super) struct Watching {
    room: RoomId,
    ids: RequestIds,
    /// The id of the request that entered the room last.
    entering: Box<str>,
    sync: ViewerSync,
    /// The server's promises about heartbeats and pongs on the present connection.
    signs: Option<Signs>,
    /// Since when the owner is away.
    away_since: Moment,
    message_bytes_max: usize,
    limits: Limits,
    pace: SignalPacer,
    begun: Instant,
    state: watch::Sender<State>,
    audience: watch::Sender<Option<usize>>,
    identity: watch::Sender<Option<Identity>>,
    subscribers: Arc<Mutex<Subscribers>>,
    /// The items to deliver, each with the streams that were open when it arrived.
    waiting: VecDeque<(Heard, Vec<Sender<Heard>>)>,
    is_handle_dropped: bool,
}

/// The senders of everything that the program can watch.
pub(super) struct Telling {
    pub(super) state: watch::Sender<State>,
    pub(super) audience: watch::Sender<Option<usize>>,
    pub(super) identity: watch::Sender<Option<Identity>>,
    pub(super) subscribers: Arc<Mutex<Subscribers>>,
}

impl Watching {
    pub(super) fn new(room: RoomId, telling: Telling, options: &Options) -> Self {
        let Telling { state, audience, identity, subscribers } = telling;
        Self {
            room,
            ids: RequestIds::new(&mut Rng::new()),
            entering: "".into(),
            sync: ViewerSync::new(options.state_bytes_max),
            signs: None,
            away_since: Moment::now(),
            message_bytes_max: options.message_bytes_max,
            limits: Limits::of(None, options.message_bytes_max),
            pace: SignalPacer::default(),
            begun: Instant::now(),
            state,
            audience,
            identity,
            subscribers,
            waiting: VecDeque::new(),
            is_handle_dropped: false,
        }
    }

    /// Notes since when the owner is away, if it is.
    fn knows(&mut self, owner: OwnerPresence) {
        if owner.status == OwnerStatus::Away {
            let now = Instant::now().into_std();
            self.away_since = now.checked_sub(owner.away).unwrap_or(now);
        }
    }

    /// Sends a signal, or returns why the server would refuse it.
    fn say(&mut self, body: &Body, texts: Option<&mut Texts>) -> Result<(), SignalError> {
        let text = request::signal(body);
        self.limits.check_signal(body, text.len())?;
        let texts = texts.ok_or(SignalError::Offline)?;
        let paced = self.pace.take(&self.limits, self.begun.elapsed());
        paced.map_err(|wait| SignalError::TooOften { wait })?;
        texts.push_back(text.into());
        Ok(())
    }

    /// Applies a frame. The state changes under the lock of the open streams, so that a new stream has each message
    /// either in its first state or after it.
    fn take(&mut self, frame: ServerFrame) -> Result<(), SyncError> {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut heard = Vec::new();
        let (mut taken, mut is_whole) = (Ok(()), false);
        self.state.send_if_modified(|state| {
            // Only the number: a second reference to the state would turn each change into a copy of all of it.
            let before = state.seq();
            taken = self.sync.take(frame, state, &mut heard);
            is_whole = heard.iter().any(|heard| matches!(heard, Heard::State { .. }));
            is_whole || state.seq() != before
        });
        subscribers.is_whole |= is_whole;
        subscribers.open.retain(|subscriber| !subscriber.is_closed());
        if !subscribers.open.is_empty() {
            self.waiting.extend(heard.into_iter().map(|heard| (heard, subscribers.open.clone())));
        }
        taken
    }
}

impl ClientRole for Watching {
    type Order = ViewerOrder;

    fn enter(&mut self) -> String {
        self.entering = self.ids.next();
        let cursor = self.sync.cursor(&self.state.borrow());
        let viewer = self.identity.borrow();
        request::join(&self.entering, &self.room, viewer.as_ref(), cursor.as_ref(), self.sync.integrity())
    }

    fn take_frame(&mut self, frame: ServerFrame, _texts: &mut Texts) -> Result<(), ConnectionEnd> {
        match frame {
            ServerFrame::Joined(entry, _) if entry.id != self.entering => return Ok(()),
            ServerFrame::Joined(ref entry, _) => {
                self.signs = Some(entry.signs);
                self.limits = Limits::of(entry.limits, self.message_bytes_max);
                self.knows(entry.owner);
                if let Some(viewer) = &entry.viewer {
                    self.identity.send_replace(Some(viewer.clone()));
                }
            }
            ServerFrame::Reset(ref entry, _) => self.knows(entry.owner),
            ServerFrame::Owner(owner, ..) => self.knows(owner),
            ServerFrame::Error(id, refused) if id.as_ref() == Some(&self.entering) => {
                return Err(refused_to_enter(&refused));
            }
            // A signal has no id.
            ServerFrame::Error(_, refused) => {
                let subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
                if !subscribers.open.is_empty() {
                    self.waiting.push_back((Heard::SignalRefused(refused), subscribers.open.clone()));
                }
                return Ok(());
            }
            ServerFrame::Audience(audience) => {
                self.audience.send_replace(Some(audience.viewers));
                return Ok(());
            }
            _ => {}
        }
        self.take(frame).map_err(|misfit| match misfit {
            SyncError::Nonsense => Closing::lost("protocol").into(),
            SyncError::Behind => Closing::lost("behind").into(),
            SyncError::TooMuch => Closing::lost("limit").for_good().into(),
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
        match self.sync.position() {
            Position::Coming => None,
            Position::Live => Some(Status::Live),
            Position::Away => Some(Status::Away { since: self.away_since }),
            Position::Lagging => Some(Status::Lagging),
        }
    }

    fn execute(&mut self, order: ViewerOrder, texts: Option<&mut Texts>) {
        let ViewerOrder::Signal(body, done) = order;
        // The program may have dropped the future.
        let _ = done.send(self.say(&body, texts));
    }

    fn can_execute(&self) -> bool {
        true
    }

    fn handle_dropped(&mut self) {
        self.is_handle_dropped = true;
        self.waiting.clear();
    }

    fn leave_request(&mut self) -> Option<&'static str> {
        Some(request::LEAVE)
    }

    fn intent(&self) -> Intent {
        if self.is_handle_dropped { Intent::Leave(Closing::of(CloseReason::Left)) } else { Intent::Stay }
    }

    fn has_undelivered(&self) -> bool {
        !self.waiting.is_empty() && !self.is_handle_dropped
    }

    async fn deliver(&mut self) {
        while let Some((heard, subscribers)) = self.waiting.front_mut() {
            while let Some(subscriber) = subscribers.last() {
                // A dropped stream takes nothing.
                subscriber.send(|| heard.clone(), heard.bytes()).await;
                subscribers.pop();
            }
            self.waiting.pop_front();
        }
    }

    fn cut(&mut self) {
        self.sync.cut();
        self.signs = None;
        self.audience.send_if_modified(|audience| audience.take().is_some());
    }

    fn over(&mut self, _closing: &Closing) {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.is_over = true;
        subscribers.open.clear();
    }
}
