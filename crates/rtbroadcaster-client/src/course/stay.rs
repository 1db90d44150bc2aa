//! One connection of a course, from the request that enters the room to its end. Must not know how connections are made.

use tokio::time::{Duration, Instant};

use super::{Course, Part, Texts, Wish};
use crate::comeback::End;
use crate::frame::Frame;
use crate::line::{Line, after, until};
use crate::liveness::{Step, View};
use crate::request;
use crate::status::Status;
use rtbroadcaster_core::closing::Closing;

/// How many texts may wait before no further order is taken.
const TEXTS_MAX: usize = 64;

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// What is awaited of the server beside signs of life, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Nothing,
    /// The answer that lets the client in, and all that follows it. Each byte renews it, however slow they come.
    Entry(Instant),
    /// The end that was asked for. Nothing else is an answer.
    End(Instant),
}

/// The present connection.
struct Stay {
    texts: Texts,
    awaited: Awaited,
    is_inside: bool,
    /// How many pings were sent.
    pings: u64,
    /// The place of the last ping among all texts of this connection.
    probe: u64,
}

impl Awaited {
    /// Nobody has read for a while, which does not mean that nothing came.
    fn renewed(self) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Entry(_) => Self::Entry(Instant::now()),
            Self::End(_) => Self::End(Instant::now()),
        }
    }

    /// When it has to be here.
    fn due(self, line: &Line, timeout: Duration) -> Option<Instant> {
        match self {
            Self::Nothing => None,
            Self::Entry(since) => since.max(line.traffic.read()).checked_add(timeout),
            Self::End(since) => since.checked_add(timeout),
        }
    }
}

impl<P: Part> Course<P> {
    /// Uses a connection until its end.
    pub(super) async fn stay(&mut self, mut line: Line) -> End {
        let texts = Texts::from([self.part.enter().into()]);
        let mut stay = Stay { texts, awaited: Awaited::Entry(Instant::now()), is_inside: false, pings: 0, probe: 0 };
        let mut gone_by = None;
        // Since when the program does not take what was heard.
        let mut untaken: Option<Instant> = None;
        loop {
            if let (Wish::Go(closing), None) = (self.part.wish(), gone_by) {
                if !stay.is_inside {
                    return closing.into();
                }
                let Some(farewell) = self.part.farewell() else { return closing.into() };
                stay.texts.push_back(farewell.into());
                gone_by = after(FAREWELL);
            }
            let has_heard = self.part.has_heard();
            if has_heard {
                untaken.get_or_insert_with(Instant::now);
            } else if let Some(since) = untaken.take() {
                self.liveness.was_not_read(self.now());
                stay.awaited = stay.awaited.renewed();
                self.comeback.pardon(since.elapsed(), self.now());
            }
            self.unread = if stay.texts.is_empty() { None } else { self.unread.or_else(|| Some(Instant::now())) };
            let (gives_up, due) = (self.gives_up(), self.due(&line, &stay));
            tokio::select! {
                came = line.ear.next(due), if !has_heard => {
                    let taken = match came {
                        Ok(Some(frame)) => self.take(frame, &mut stay),
                        Ok(None) => self.look(&line, &mut stay),
                        Err(parted) => Err(parted.end(self.begun)),
                    };
                    if let Err(end) = taken {
                        return end;
                    }
                }
                has_place = line.mouth.has_place(), if !stay.texts.is_empty() => {
                    self.unread = None;
                    match (has_place, stay.texts.pop_front()) {
                        (true, Some(text)) => {
                            self.liveness.said(text.len(), self.now());
                            line.mouth.say(text);
                        }
                        // The reader meets the end.
                        _ => stay.texts.clear(),
                    }
                }
                () = self.part.pass_on(), if has_heard => {}
                order = self.orders.recv(),
                    if self.has_master && self.part.can_obey() && stay.texts.len() < TEXTS_MAX =>
                {
                    match order {
                        Some(order) => self.part.obey(order, stay.is_inside.then_some(&mut stay.texts)),
                        None => {
                            self.has_master = false;
                            self.part.is_left_alone();
                        }
                    }
                }
                Ok(()) = self.slept.changed() => self.liveness.suspect(self.now()),
                () = self.hurry.notified() => self.liveness.suspect(self.now()),
                () = until(gives_up), if !has_heard => return Closing::lost("silent").into(),
                () = until(gone_by) => return Closing::lost("silent").into(),
            }
            self.show(&mut stay);
        }
    }

    /// Takes a frame, which is a sign of life too.
    fn take(&mut self, frame: Frame, stay: &mut Stay) -> Result<(), End> {
        let now = self.now();
        self.liveness.heard(now);
        let proves = matches!(frame, Frame::Ack(..) | Frame::Pong);
        if let Frame::Alive(_, Some(next)) = frame {
            self.liveness.plans(next);
        }
        self.part.hear(frame, &mut stay.texts)?;
        if proves {
            self.liveness.proven(self.part.unproven_bytes(), now);
        }
        if let (Some(signs), false) = (self.part.signs(), self.liveness.has_entered()) {
            self.liveness.entered(signs, self.part.grace(), now);
        }
        Ok(())
    }

    /// When it has to be looked at the connection, if nothing comes.
    fn due(&mut self, line: &Line, stay: &Stay) -> Option<Instant> {
        let view = self.view(line, stay);
        let liveness = self.liveness.due(view, self.now()).and_then(|due| self.begun.checked_add(due));
        let awaited = stay.awaited.due(line, self.timeout());
        liveness.into_iter().chain(awaited).min()
    }

    /// Looks at the connection.
    fn look(&mut self, line: &Line, stay: &mut Stay) -> Result<(), End> {
        let begun = self.begun;
        let silent = || Err(line.ear.end(Closing::lost("silent"), begun));
        if stay.awaited.due(line, self.timeout()).is_some_and(|due| due <= Instant::now()) {
            return silent();
        }
        let (view, now) = (self.view(line, stay), self.now());
        match self.liveness.step(view, now) {
            Step::Nothing => {}
            Step::Probe => {
                stay.pings += 1;
                stay.texts.push_back(request::ping(stay.pings).into());
                stay.probe = line.mouth.given().saturating_add(stay.texts.len() as u64);
            }
            Step::GiveUp => {
                self.liveness.left(true, now);
                return silent();
            }
        }
        Ok(())
    }

    fn view(&self, line: &Line, stay: &Stay) -> View {
        let since = |moment: Instant| moment.saturating_duration_since(self.begun);
        View {
            read: since(line.traffic.read()),
            written: since(line.traffic.written()),
            has_taken_probe: line.mouth.has_taken(stay.probe),
            owed: self.part.owed_since().map(since),
        }
    }

    /// Shows the program where it stands in the room.
    fn show(&mut self, stay: &mut Stay) {
        let Some(status) = self.part.inside() else { return };
        if !stay.is_inside {
            (stay.is_inside, stay.awaited) = (true, Awaited::Nothing);
        }
        if self.part.is_ending() && stay.awaited == Awaited::Nothing {
            stay.awaited = Awaited::End(Instant::now());
        }
        if !self.status.borrow().is_inside() {
            self.comeback.entered(self.now());
        }
        let status = if self.liveness.is_checking(self.now()) { Status::Checking } else { status };
        self.status.send_if_modified(|known| {
            let is_new = *known != status;
            *known = status;
            is_new
        });
    }
}
