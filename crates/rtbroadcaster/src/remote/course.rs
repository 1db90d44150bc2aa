//! The way of a viewer or an owner over many connections: into the room, out of it, and back. Must not know which of
//! both it is.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::Options;
use super::comeback::{Comeback, End};
use super::dial::Dialer;
use super::ending::Closing;
use super::frame::Frame;
use super::line::{Line, after, until};
use super::random::Random;
use super::status::Status;

/// How many texts may wait before no further order is taken.
const TEXTS_MAX: usize = 64;

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);

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

    /// The time between two heartbeats, once the room was entered on this connection.
    fn alive(&self) -> Option<Duration>;

    /// Whether the server has answered the request that enters the room, on this connection.
    fn is_answered(&self) -> bool;

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
    dialer: Dialer,
    answer_timeout: Duration,
    patience: Option<Duration>,
    orders: mpsc::Receiver<P::Order>,
    /// Whether somebody may still give orders.
    has_master: bool,
    status: watch::Sender<Status>,
    comeback: Comeback,
    begun: Instant,
    /// Since when texts wait and none was taken, as the server does not read.
    unread: Option<Instant>,
    /// How many attempts have failed since it was in the room.
    failed: u32,
    /// How the connection ended on which it was in the room; `None` before the first one.
    after: Option<Closing>,
}

impl<P: Part> Course<P> {
    pub(super) fn new(
        part: P,
        dialer: Dialer,
        options: &Options,
        orders: mpsc::Receiver<P::Order>,
        status: watch::Sender<Status>,
    ) -> Self {
        let Options { answer_timeout, patience, .. } = *options;
        let (comeback, begun) = (Comeback::new(options, Random::new()), Instant::now());
        Self {
            part,
            dialer,
            answer_timeout,
            patience,
            orders,
            has_master: true,
            status,
            comeback,
            begun,
            unread: None,
            failed: 0,
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
            self.part.cut();
            if let Wish::Go(closing) = self.part.wish() {
                // What the server said of the end is better than what was expected.
                break if end.closing.code() == 1006 { closing } else { end.closing };
            }
            if self.status.borrow().is_inside() {
                (self.after, self.failed) = (Some(end.closing.clone()), 0);
            } else {
                self.failed = self.failed.saturating_add(1);
            }
            match self.comeback.next(&end, self.begun.elapsed()) {
                Some(delay) if !has_given_up => wait = delay,
                _ => break end.closing,
            }
            self.tell_outside();
        };
        self.orders.close();
        self.part.over(&closing);
        self.status.send_replace(Status::Closed(closing));
        // Orders that came too late are dropped, which answers them.
    }

    fn tell_outside(&self) {
        let failed = self.failed;
        self.status.send_replace(match self.after.clone() {
            None => Status::Connecting { failed },
            Some(after) => Status::Resuming { failed, after },
        });
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
    async fn attempt(&mut self, wait: Duration) -> Result<Line, End> {
        let gives_up = self.gives_up();
        let Self { part, dialer, orders, has_master, answer_timeout, .. } = self;
        let dialed = async {
            sleep(wait).await;
            dialer.dial(*answer_timeout).await
        };
        tokio::pin!(dialed);
        loop {
            if let Wish::Go(closing) = part.wish() {
                return Err(closing.into());
            }
            tokio::select! {
                socket = &mut dialed => return socket.map(Line::new),
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

    /// Uses a connection until its end.
    async fn stay(&mut self, mut line: Line) -> End {
        let mut texts = Texts::from([self.part.enter().into()]);
        let (mut is_inside, mut answer_by) = (false, after(self.answer_timeout));
        let mut gone_by = None;
        // Since when the program does not take what was heard.
        let mut untaken: Option<Instant> = None;
        loop {
            if let (Wish::Go(closing), None) = (self.part.wish(), gone_by) {
                if !is_inside {
                    return closing.into();
                }
                let Some(farewell) = self.part.farewell() else { return closing.into() };
                texts.push_back(farewell.into());
                gone_by = after(FAREWELL);
            }
            let has_heard = self.part.has_heard();
            if has_heard {
                untaken.get_or_insert_with(Instant::now);
            } else if let Some(since) = untaken.take() {
                // Meanwhile nobody has read, which does not mean that nothing came.
                line.ear.was_not_read();
                answer_by = answer_by.and_then(|_| after(self.answer_timeout));
                self.comeback.pardon(since.elapsed(), self.begun.elapsed());
            }
            self.unread = if texts.is_empty() { None } else { self.unread.or_else(|| Some(Instant::now())) };
            let gives_up = self.gives_up();
            tokio::select! {
                frame = line.ear.next(), if !has_heard => match frame {
                    Ok(frame) => {
                        if let Err(end) = self.part.hear(frame, &mut texts) {
                            return end;
                        }
                        line.ear.beats(self.part.alive());
                        if let Some(status) = self.part.inside() {
                            (is_inside, answer_by) = (true, answer_by.filter(|_| is_inside));
                            self.tell_inside(status);
                        } else if self.part.is_answered() {
                            // A long replay comes.
                            answer_by = answer_by.and_then(|_| after(self.answer_timeout));
                        }
                    }
                    Err(parted) => return parted.end(self.begun),
                },
                place = line.mouth.place(), if !texts.is_empty() => {
                    self.unread = None;
                    match (place, texts.pop_front()) {
                        (Some(place), Some(text)) => place.send(text),
                        // The reader meets the end.
                        _ => texts.clear(),
                    }
                }
                () = self.part.pass_on(), if has_heard => {}
                order = self.orders.recv(), if self.has_master && self.part.can_obey() && texts.len() < TEXTS_MAX => {
                    match order {
                        Some(order) => self.part.obey(order, is_inside.then_some(&mut texts)),
                        None => {
                            self.has_master = false;
                            self.part.is_left_alone();
                        }
                    }
                }
                () = until(answer_by), if !has_heard => return Closing::lost("silent").into(),
                () = until(gives_up), if !has_heard => return Closing::lost("silent").into(),
                () = until(gone_by) => return Closing::lost("silent").into(),
            }
            if self.part.is_ending() && answer_by.is_none() {
                answer_by = after(self.answer_timeout);
            }
        }
    }

    fn tell_inside(&mut self, status: Status) {
        let was_inside = self.status.borrow().is_inside();
        if !was_inside {
            self.comeback.entered(self.begun.elapsed());
        }
        self.status.send_if_modified(|known| {
            let is_new = *known != status;
            *known = status;
            is_new
        });
    }
}
