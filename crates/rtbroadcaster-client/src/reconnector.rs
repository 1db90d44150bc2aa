//! The task of a viewer or an owner: connects, enters the room, and reconnects after each cut. Must not know which of
//! the two roles it has.

mod connection;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use rtbroadcaster_core::closing::Closing;

use super::Options;
use super::backoff::{Backoff, ConnectionEnd, Hurry};
use super::dial::Dialer;
use super::frame::ServerFrame;
use super::frame_stream::{FrameStream, after, until};
use super::liveness::{LivenessMonitor, Signs};
use super::random::Rng;
use super::status::Status;

/// The most doublings of the answer timeout.
const TIMEOUT_DOUBLINGS_MAX: u32 = 3;

/// The texts that wait to be written, in order.
pub(super) type Texts = VecDeque<Utf8Bytes>;

/// Whether the client wants to be in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Intent {
    /// It wants to be in the room.
    Stay,
    /// It sends its leave request, if it has one, and ends; for this reason unless the server gives another one.
    Leave(Closing),
}

/// The behaviour in which a viewer and an owner differ. Only [`deliver`](ClientRole::deliver) waits.
pub(super) trait ClientRole: Send {
    /// A request of the program.
    type Order: Send;

    /// Returns the request that enters the room, for a new connection.
    fn enter(&mut self) -> String;

    /// Handles a frame. Texts to be written are appended to `texts`.
    fn take_frame(&mut self, frame: ServerFrame, texts: &mut Texts) -> Result<(), ConnectionEnd>;

    /// Returns the server's promises about heartbeats and pongs, once it has answered the request that enters the room
    /// on this connection.
    fn signs(&self) -> Option<Signs>;

    /// Returns how long the room waits for this client, if it is the owner.
    fn grace(&self) -> Option<Duration>;

    /// Returns how many sent bytes the server may not have received, as far as its last acknowledgement proves.
    fn unproven_bytes(&self) -> usize;

    /// Returns the status in the room; `None` while the client is outside or its state is incomplete.
    fn inside(&self) -> Option<Status>;

    /// Returns since when the server owes an answer in the room, over all connections; `None` if it owes none.
    fn owed_since(&self) -> Option<Instant>;

    /// Returns whether the client has asked the server to end the room, and so this connection.
    fn is_ending(&self) -> bool;

    /// Carries out a request of the program. `texts` is `None` outside of the room.
    fn execute(&mut self, order: Self::Order, texts: Option<&mut Texts>);

    /// Returns whether it can take a request of the program now.
    fn can_execute(&self) -> bool;

    /// Notes that the program has dropped its handle.
    fn handle_dropped(&mut self);

    /// Returns the request that leaves the room, if the role has one.
    fn leave_request(&mut self) -> Option<&'static str>;

    /// Returns whether it wants to be in the room.
    fn intent(&self) -> Intent;

    /// Returns whether items wait to be delivered to the program.
    fn has_undelivered(&self) -> bool;

    /// Delivers the waiting items to the program. Cancel safe.
    fn deliver(&mut self) -> impl Future<Output = ()> + Send;

    /// Notes that the connection has ended.
    fn cut(&mut self);

    /// Notes that the client has ended, and ends the program's streams and calls.
    fn over(&mut self, closing: &Closing);
}

/// One client: its role, and the state that outlives its connections.
pub(super) struct Reconnector<R: ClientRole> {
    role: R,
    dialer: Arc<Dialer>,
    answer_timeout: Duration,
    patience: Option<Duration>,
    /// Whether the client reconnects at all.
    reconnects: bool,
    orders: mpsc::Receiver<R::Order>,
    /// Whether the program still has its handle.
    has_handle: bool,
    /// Notified when the program wants the next attempt, or a probe, now.
    hurry: Arc<Notify>,
    /// Changes each time that the machine may have slept.
    slept: watch::Receiver<u64>,
    status: watch::Sender<Status>,
    backoff: Backoff,
    liveness: LivenessMonitor,
    begun: Instant,
    /// The beginning of the last attempt.
    tried: Duration,
    /// Since when texts wait and the connection accepts none, because the server does not read.
    unread: Option<Instant>,
    /// The number of attempts that failed since the client was in the room, and that of those without an answer.
    failed: u32,
    unanswered: u32,
    /// The end of the last connection on which the client was in the room; `None` before the first one.
    after: Option<Closing>,
}

/// The outcome of a wait outside of the room.
enum WaitOutcome<T> {
    Done(T),
    Hurried(Hurry),
}

impl<R: ClientRole> Reconnector<R> {
    pub(super) fn new(
        role: R,
        dialer: Dialer,
        options: &Options,
        orders: mpsc::Receiver<R::Order>,
        status: watch::Sender<Status>,
        hurry: Arc<Notify>,
    ) -> Self {
        let Options { answer_timeout, patience, reconnect: reconnects, .. } = *options;
        let (backoff, begun) = (Backoff::new(options, Rng::new()), Instant::now());
        Self {
            role,
            slept: dialer.slept.clone(),
            dialer: Arc::new(dialer),
            answer_timeout,
            patience,
            reconnects,
            orders,
            has_handle: true,
            hurry,
            status,
            backoff,
            liveness: LivenessMonitor::default(),
            begun,
            tried: Duration::ZERO,
            unread: None,
            failed: 0,
            unanswered: 0,
            after: None,
        }
    }

    /// Runs the client until it ends.
    pub(super) async fn run(mut self) {
        let mut wait = Duration::ZERO;
        let closing = loop {
            let end = match self.attempt(wait).await {
                Ok(stream) => self.run_connection(stream).await,
                Err(end) => end,
            };
            // Checked before the cut, which clears the answers that the server owed on this connection alone.
            let has_given_up = self.has_given_up();
            self.unread = None;
            self.liveness.left(false, self.now());
            self.role.cut();
            if let Intent::Leave(closing) = self.role.intent() {
                // The server's reason takes precedence over the expected one.
                break if end.closing.is_lost() { closing } else { end.closing };
            }
            if self.status.borrow().is_inside() {
                (self.after, self.failed, self.unanswered) = (Some(end.closing.clone()), 0, 0);
            } else {
                self.failed = self.failed.saturating_add(1);
                self.unanswered = self.unanswered.saturating_add(u32::from(end.closing.reason() == "silent"));
            }
            match self.backoff.next(&end, self.now()) {
                Some(delay) if !has_given_up && self.reconnects => wait = delay,
                _ => break end.closing,
            }
        };
        self.orders.close();
        self.role.over(&closing);
        self.status.send_replace(Status::Closed(closing));
        // Requests that came too late are dropped, which fails them.
    }

    /// Returns the time since the client began.
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Shows the status outside of the room; `next` is when the next attempt begins.
    fn show_outside(&self, next: Option<Instant>) {
        let (failed, next) = (self.failed, next.map(Instant::into_std));
        self.status.send_replace(match self.after.clone() {
            None => Status::Connecting { failed, next },
            Some(after) => Status::Resuming { failed, next, after },
        });
    }

    /// Returns the answer timeout: longer after each attempt without an answer.
    fn timeout(&self) -> Duration {
        self.answer_timeout.saturating_mul(1 << self.unanswered.min(TIMEOUT_DOUBLINGS_MAX))
    }

    /// Returns when patience ends: with the time outside, with an owed answer, or with a text that the server does not
    /// read, whichever is first.
    fn gives_up(&self) -> Option<Instant> {
        let outside = self.backoff.gives_up().and_then(|time| self.begun.checked_add(time));
        let since = [self.role.owed_since(), self.unread];
        let inside = since.into_iter().flatten().filter_map(|since| since.checked_add(self.patience?));
        outside.into_iter().chain(inside).min()
    }

    fn has_given_up(&self) -> bool {
        self.gives_up().is_some_and(|moment| moment <= Instant::now())
    }

    /// Waits, then connects; takes requests of the program meanwhile.
    async fn attempt(&mut self, mut wait: Duration) -> Result<FrameStream, ConnectionEnd> {
        loop {
            let begin = after(wait);
            if !wait.is_zero() {
                self.show_outside(begin);
            }
            let hurry = self.hurry.clone();
            let hurried = async {
                hurry.notified().await;
                Hurry::Asked
            };
            if let WaitOutcome::Hurried(hurry) = self.meanwhile(until(begin), hurried).await? {
                let left = begin.map_or(Duration::MAX, |begin| begin.saturating_duration_since(Instant::now()));
                wait = self.backoff.hurried(hurry, self.tried, self.now()).min(left);
                continue;
            }
            self.tried = self.now();
            self.show_outside(None);
            let (dialer, timeout) = (Arc::clone(&self.dialer), self.timeout());
            // An attempt that began before a sleep may wait for an answer to a packet that is lost.
            match self.meanwhile(dialer.dial(timeout), std::future::pending()).await? {
                WaitOutcome::Done(dialed) => return dialed.map(|(socket, traffic)| FrameStream::new(socket, traffic)),
                WaitOutcome::Hurried(hurry) => wait = self.backoff.hurried(hurry, self.tried, self.now()),
            }
        }
    }

    /// Waits for `awaited` unless the wait is cut short; takes requests of the program meanwhile.
    async fn meanwhile<T>(
        &mut self,
        awaited: impl Future<Output = T> + Send,
        hurried: impl Future<Output = Hurry> + Send,
    ) -> Result<WaitOutcome<T>, ConnectionEnd> {
        let gives_up = self.gives_up();
        let Self { role, orders, has_handle, slept, .. } = self;
        tokio::pin!(awaited, hurried);
        loop {
            if let Intent::Leave(closing) = role.intent() {
                return Err(closing.into());
            }
            tokio::select! {
                done = &mut awaited => return Ok(WaitOutcome::Done(done)),
                hurry = &mut hurried => return Ok(WaitOutcome::Hurried(hurry)),
                Ok(()) = slept.changed() => return Ok(WaitOutcome::Hurried(Hurry::Slept)),
                order = orders.recv(), if *has_handle && role.can_execute() => match order {
                    Some(order) => role.execute(order, None),
                    None => {
                        *has_handle = false;
                        role.handle_dropped();
                    }
                },
                () = role.deliver(), if role.has_undelivered() => {}
                () = until(gives_up) => return Err(Closing::lost("silent").into()),
            }
        }
    }
}
