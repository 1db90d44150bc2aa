//! One connection of a client, from the request that enters the room to its end. Must not know how connections are
//! made.

use tokio::time::{Duration, Instant};

use rtbroadcaster_core::closing::Closing;

use super::{ClientRole, Intent, Reconnector, Texts};
use crate::backoff::ConnectionEnd;
use crate::frame::ServerFrame;
use crate::frame_stream::{FrameStream, after, until};
use crate::liveness::{ConnectionView, LivenessStep};
use crate::request;
use crate::status::Status;

/// The number of waiting texts at which the client takes no further request of its program.
const TEXTS_MAX: usize = 64;

/// The longest time for leaving.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// The answer that the client awaits besides signs of life, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Nothing,
    /// The answer that lets the client in, and the replay after it. Each received byte restarts the timeout.
    Entry(Instant),
    /// The end that the client asked for. No other frame is an answer.
    End(Instant),
}

/// The state of the present connection.
struct Connection {
    texts: Texts,
    awaited: Awaited,
    is_inside: bool,
    /// The number of sent pings.
    pings: u64,
    /// The position of the last ping among all texts of this connection.
    probe: u64,
}

impl Awaited {
    /// Returns the same with its time restarted, since the client itself did not read for a while.
    fn renewed(self) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Entry(_) => Self::Entry(Instant::now()),
            Self::End(_) => Self::End(Instant::now()),
        }
    }

    /// Returns when the answer has to be here.
    fn due(self, stream: &FrameStream, timeout: Duration) -> Option<Instant> {
        match self {
            Self::Nothing => None,
            Self::Entry(since) => since.max(stream.traffic.read()).checked_add(timeout),
            Self::End(since) => since.checked_add(timeout),
        }
    }
}

impl<R: ClientRole> Reconnector<R> {
    /// Runs a connection until its end.
    pub(super) async fn run_connection(&mut self, mut stream: FrameStream) -> ConnectionEnd {
        let texts = Texts::from([self.role.enter().into()]);
        let mut connection =
            Connection { texts, awaited: Awaited::Entry(Instant::now()), is_inside: false, pings: 0, probe: 0 };
        let mut leave_deadline = None;
        // Since when the program does not take its items.
        let mut untaken: Option<Instant> = None;
        loop {
            if let (Intent::Leave(closing), None) = (self.role.intent(), leave_deadline) {
                if !connection.is_inside {
                    return closing.into();
                }
                let Some(leave_request) = self.role.leave_request() else { return closing.into() };
                connection.texts.push_back(leave_request.into());
                leave_deadline = after(LEAVE_TIMEOUT);
            }
            let has_undelivered = self.role.has_undelivered();
            if has_undelivered {
                untaken.get_or_insert_with(Instant::now);
            } else if let Some(since) = untaken.take() {
                self.liveness.was_not_read(self.now());
                connection.awaited = connection.awaited.renewed();
                self.backoff.pardon(since.elapsed(), self.now());
            }
            self.unread = if connection.texts.is_empty() { None } else { self.unread.or_else(|| Some(Instant::now())) };
            let (gives_up, due) = (self.gives_up(), self.due(&stream, &connection));
            tokio::select! {
                read = stream.reader.next(due), if !has_undelivered => {
                    let taken = match read {
                        Ok(Some(frame)) => self.take(frame, &mut connection),
                        Ok(None) => self.check(&stream, &mut connection),
                        Err(ended) => Err(ended.end(self.begun)),
                    };
                    if let Err(end) = taken {
                        return end;
                    }
                }
                has_place = stream.writer.has_place(), if !connection.texts.is_empty() => {
                    self.unread = None;
                    match (has_place, connection.texts.pop_front()) {
                        (true, Some(text)) => {
                            self.liveness.sent(text.len(), self.now());
                            stream.writer.send(text);
                        }
                        // The receiving half returns the end.
                        _ => connection.texts.clear(),
                    }
                }
                () = self.role.deliver(), if has_undelivered => {}
                order = self.orders.recv(),
                    if self.has_handle && self.role.can_execute() && connection.texts.len() < TEXTS_MAX =>
                {
                    match order {
                        Some(order) => self.role.execute(order, connection.is_inside.then_some(&mut connection.texts)),
                        None => {
                            self.has_handle = false;
                            self.role.handle_dropped();
                        }
                    }
                }
                Ok(()) = self.slept.changed() => self.liveness.slept(self.now()),
                () = self.hurry.notified() => self.liveness.suspect(self.now()),
                () = until(gives_up), if !has_undelivered => return Closing::lost("silent").into(),
                () = until(leave_deadline) => return Closing::lost("silent").into(),
            }
            self.show(&mut connection);
        }
    }

    /// Handles a frame, which is a sign of life too.
    fn take(&mut self, frame: ServerFrame, connection: &mut Connection) -> Result<(), ConnectionEnd> {
        let now = self.now();
        self.liveness.received(now);
        let proves = matches!(frame, ServerFrame::Ack(..) | ServerFrame::Pong(_));
        match &frame {
            ServerFrame::Alive(_, Some(next)) => self.liveness.planned(*next),
            ServerFrame::Pong(id) if **id == *request::ping_id(connection.pings) => self.liveness.answered(now),
            _ => {}
        }
        self.role.take_frame(frame, &mut connection.texts)?;
        if proves {
            self.liveness.proven(self.role.unproven_bytes(), now);
        }
        if let (Some(signs), false) = (self.role.signs(), self.liveness.has_entered()) {
            self.liveness.entered(signs, self.role.grace(), now);
        }
        Ok(())
    }

    /// Returns when to check the connection next if no frame comes.
    fn due(&mut self, stream: &FrameStream, connection: &Connection) -> Option<Instant> {
        let view = self.view(stream, connection);
        let liveness = self.liveness.due(view, self.now()).and_then(|due| self.begun.checked_add(due));
        let awaited = connection.awaited.due(stream, self.timeout());
        liveness.into_iter().chain(awaited).min()
    }

    /// Checks the connection, and sends a probe or gives it up if due.
    fn check(&mut self, stream: &FrameStream, connection: &mut Connection) -> Result<(), ConnectionEnd> {
        let begun = self.begun;
        let silent = || Err(stream.reader.end(Closing::lost("silent"), begun));
        if connection.awaited.due(stream, self.timeout()).is_some_and(|due| due <= Instant::now()) {
            return silent();
        }
        let (view, now) = (self.view(stream, connection), self.now());
        match self.liveness.step(view, now) {
            LivenessStep::Nothing => {}
            LivenessStep::Probe => {
                connection.pings += 1;
                connection.texts.push_back(request::ping(connection.pings).into());
                connection.probe = stream.writer.given().saturating_add(connection.texts.len() as u64);
            }
            LivenessStep::GiveUp => {
                self.liveness.left(true, now);
                return silent();
            }
        }
        Ok(())
    }

    /// Returns the observable facts of the connection.
    fn view(&self, stream: &FrameStream, connection: &Connection) -> ConnectionView {
        let since = |moment: Instant| moment.saturating_duration_since(self.begun);
        ConnectionView {
            read: since(stream.traffic.read()),
            written: since(stream.traffic.written()),
            has_taken_probe: stream.writer.has_taken(connection.probe),
            owed: self.role.owed_since().map(since),
        }
    }

    /// Shows the program the status in the room.
    fn show(&mut self, connection: &mut Connection) {
        let Some(status) = self.role.inside() else { return };
        if !connection.is_inside {
            (connection.is_inside, connection.awaited) = (true, Awaited::Nothing);
        }
        if self.role.is_ending() && connection.awaited == Awaited::Nothing {
            connection.awaited = Awaited::End(Instant::now());
        }
        if !self.status.borrow().is_inside() {
            self.backoff.entered(self.now());
        }
        let status = if self.liveness.is_checking(self.now()) { Status::Checking } else { status };
        self.status.send_if_modified(|known| {
            let is_new = *known != status;
            *known = status;
            is_new
        });
    }
}
