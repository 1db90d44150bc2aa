//! The way of a viewer or an owner over many connections: into the room, out of it, and back. Must not know which of
//! both it is.

mod stay;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::Options;
use super::comeback::{Comeback, End, Hurry};
use super::dial::Dialer;
use super::frame::Frame;
use super::line::{Line, after, until};
use super::liveness::{Liveness, Signs};
use super::random::Random;
use super::status::Status;
use rtbroadcaster_core::closing::Closing;

/// How often the time for an answer is doubled at most.
const TIMEOUT_DOUBLINGS_MAX: u32 = 3;

/// What waits to be written, in order.
pub(super) type Texts = VecDeque<Utf8Bytes>;

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// Be in the room.
    Stay,
    /// Say what is still to be said, and be gone, for this reason if nobody gives another.
    Go(Closing),
}

/// What a viewer and an owner do differently. No function waits but [`pass_on`](Part::pass_on).
pub(super) trait Part: Send {
    /// What the program asks of it.
    type Order: Send;

    /// The request that enters the room, on a new connection.
    fn enter(&mut self) -> String;

    /// Takes a frame. Texts to be written are added to `texts`.
    fn hear(&mut self, frame: Frame, texts: &mut Texts) -> Result<(), End>;

    /// What the server has told of its signs of life, once it has answered the request that enters the room on this
    /// connection.
    fn signs(&self) -> Option<Signs>;

    /// How long the room waits for this client, if it is its owner.
    fn grace(&self) -> Option<Duration>;

    /// How many bytes of what was said may not have come to the server, as far as its last acknowledgement tells.
    fn unproven_bytes(&self) -> usize;

    /// Where it stands in the room; `None` while it is not all in.
    fn inside(&self) -> Option<Status>;

    /// Since when the server owes an answer to what was said in the room, over all connections; `None` if it owes none.
    fn owed_since(&self) -> Option<Instant>;

    /// Whether it has asked the server to end this connection.
    fn is_ending(&self) -> bool;

    /// Takes an order. There is nowhere to write while it is not in the room.
    fn obey(&mut self, order: Self::Order, texts: Option<&mut Texts>);

    /// Whether it can take an order now.
    fn can_obey(&self) -> bool;

    /// Nobody gives orders any more.
    fn is_left_alone(&mut self);

    /// What it says before it goes.
    fn farewell(&mut self) -> Option<&'static str>;

    /// What it wants.
    fn wish(&self) -> Wish;

    /// Whether something waits to be passed on to the program.
    fn has_heard(&self) -> bool;

    /// Passes on what waits. Cancelling it loses nothing.
    fn pass_on(&mut self) -> impl Future<Output = ()> + Send;

    /// The connection is gone.
    fn cut(&mut self);

    /// It is over. What is told is passed on.
    fn over(&mut self, closing: &Closing);
}

/// One way.
pub(super) struct Course<P: Part> {
    part: P,
    dialer: Arc<Dialer>,
    answer_timeout: Duration,
    patience: Option<Duration>,
    /// Whether it comes back at all.
    reconnects: bool,
    orders: mpsc::Receiver<P::Order>,
    /// Whether somebody may still give orders.
    has_master: bool,
    /// The program wants the next attempt, or a probe, now.
    hurry: Arc<Notify>,
    /// Changes each time that the machine may have slept.
    slept: watch::Receiver<u64>,
    status: watch::Sender<Status>,
    comeback: Comeback,
    liveness: Liveness,
    begun: Instant,
    /// When the last attempt began.
    tried: Duration,
    /// Since when texts wait and none was taken, as the server does not read.
    unread: Option<Instant>,
    /// How many attempts have failed since it was in the room, and how many of them without an answer.
    failed: u32,
    unanswered: u32,
    /// How the connection ended on which it was in the room; `None` before the first one.
    after: Option<Closing>,
}

/// How a wait outside of the room ends.
enum Waited<T> {
    Done(T),
    Hurried(Hurry),
}

impl<P: Part> Course<P> {
    pub(super) fn new(
        part: P,
        dialer: Dialer,
        options: &Options,
        orders: mpsc::Receiver<P::Order>,
        status: watch::Sender<Status>,
        hurry: Arc<Notify>,
    ) -> Self {
        let Options { answer_timeout, patience, reconnect: reconnects, .. } = *options;
        let (comeback, begun) = (Comeback::new(options, Random::new()), Instant::now());
        Self {
            part,
            slept: dialer.slept.clone(),
            dialer: Arc::new(dialer),
            answer_timeout,
            patience,
            reconnects,
            orders,
            has_master: true,
            hurry,
            status,
            comeback,
            liveness: Liveness::default(),
            begun,
            tried: Duration::ZERO,
            unread: None,
            failed: 0,
            unanswered: 0,
            after: None,
        }
    }

    /// Goes it to its end.
    pub(super) async fn run(mut self) {
        let mut wait = Duration::ZERO;
        let closing = loop {
            let end = match self.attempt(wait).await {
                Ok(line) => self.stay(line).await,
                Err(end) => end,
            };
            // Asked before the cut, after which nothing is owed that was asked on this connection alone.
            let has_given_up = self.has_given_up();
            self.unread = None;
            self.liveness.left(false, self.now());
            self.part.cut();
            if let Wish::Go(closing) = self.part.wish() {
                // What the server said of the end is better than what was expected.
                break if end.closing.is_lost() { closing } else { end.closing };
            }
            if self.status.borrow().is_inside() {
                (self.after, self.failed, self.unanswered) = (Some(end.closing.clone()), 0, 0);
            } else {
                self.failed = self.failed.saturating_add(1);
                self.unanswered = self.unanswered.saturating_add(u32::from(end.closing.reason() == "silent"));
            }
            match self.comeback.next(&end, self.now()) {
                Some(delay) if !has_given_up && self.reconnects => wait = delay,
                _ => break end.closing,
            }
        };
        self.orders.close();
        self.part.over(&closing);
        self.status.send_replace(Status::Closed(closing));
        // Orders that came too late are dropped, which answers them.
    }

    /// The time since it began.
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn tell_outside(&self, next: Option<Instant>) {
        let (failed, next) = (self.failed, next.map(Instant::into_std));
        self.status.send_replace(match self.after.clone() {
            None => Status::Connecting { failed, next },
            Some(after) => Status::Resuming { failed, next, after },
        });
    }

    /// How long the server may take for an answer: longer with each attempt that had none.
    fn timeout(&self) -> Duration {
        self.answer_timeout.saturating_mul(1 << self.unanswered.min(TIMEOUT_DOUBLINGS_MAX))
    }

    /// When patience ends: with being outside, with what the server owes, or with what it does not read, whichever is first.
    fn gives_up(&self) -> Option<Instant> {
        let outside = self.comeback.gives_up().and_then(|time| self.begun.checked_add(time));
        let since = [self.part.owed_since(), self.unread];
        let inside = since.into_iter().flatten().filter_map(|since| since.checked_add(self.patience?));
        outside.into_iter().chain(inside).min()
    }

    fn has_given_up(&self) -> bool {
        self.gives_up().is_some_and(|moment| moment <= Instant::now())
    }

    /// Waits, connects, and takes orders the while.
    async fn attempt(&mut self, mut wait: Duration) -> Result<Line, End> {
        loop {
            let begin = after(wait);
            if !wait.is_zero() {
                self.tell_outside(begin);
            }
            let hurry = self.hurry.clone();
            let hurried = async {
                hurry.notified().await;
                Hurry::Asked
            };
            if let Waited::Hurried(hurry) = self.meanwhile(until(begin), hurried).await? {
                let left = begin.map_or(Duration::MAX, |begin| begin.saturating_duration_since(Instant::now()));
                wait = self.comeback.hurried(hurry, self.tried, self.now()).min(left);
                continue;
            }
            self.tried = self.now();
            self.tell_outside(None);
            let (dialer, timeout) = (Arc::clone(&self.dialer), self.timeout());
            // An attempt that was begun before a sleep may wait for an answer to what nobody has any more.
            match self.meanwhile(dialer.dial(timeout), std::future::pending()).await? {
                Waited::Done(dialed) => return dialed.map(|(socket, traffic)| Line::new(socket, traffic)),
                Waited::Hurried(hurry) => wait = self.comeback.hurried(hurry, self.tried, self.now()),
            }
        }
    }

    /// Waits for `awaited` unless there is hurry, and takes orders the while.
    async fn meanwhile<T>(
        &mut self,
        awaited: impl Future<Output = T> + Send,
        hurried: impl Future<Output = Hurry> + Send,
    ) -> Result<Waited<T>, End> {
        let gives_up = self.gives_up();
        let Self { part, orders, has_master, slept, .. } = self;
        tokio::pin!(awaited, hurried);
        loop {
            if let Wish::Go(closing) = part.wish() {
                return Err(closing.into());
            }
            tokio::select! {
                done = &mut awaited => return Ok(Waited::Done(done)),
                hurry = &mut hurried => return Ok(Waited::Hurried(hurry)),
                Ok(()) = slept.changed() => return Ok(Waited::Hurried(Hurry::Slept)),
                order = orders.recv(), if *has_master && part.can_obey() => match order {
                    Some(order) => part.obey(order, None),
                    None => {
                        *has_master = false;
                        part.is_left_alone();
                    }
                },
                () = part.pass_on(), if part.has_heard() => {}
                () = until(gives_up) => return Err(Closing::lost("silent").into()),
            }
        }
    }
}
