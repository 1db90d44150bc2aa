//! One connection as the frames that come and the texts that go, until its end: its heartbeats, its farewell, and the
//! moment that the server chose for coming back. Must not know what frames mean.

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::task::{consume_budget, unconstrained};
use tokio::time::{Duration, Instant, sleep_until};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_util::task::AbortOnDropHandle;

use super::comeback::{Advice, End};
use super::dial::Socket;
use super::ending::Closing;
use super::frame::Frame;

/// How many texts wait for the socket. More would only wait elsewhere.
const TEXTS_MAX: usize = 16;

/// How many heartbeats may be missed.
const MISSED_MAX: u32 = 2;

/// A connection. Dropping it ends it.
pub(super) struct Line {
    pub(super) ear: Ear,
    pub(super) mouth: Mouth,
}

/// What comes.
pub(super) struct Ear {
    reader: SplitStream<Socket>,
    /// When something came for the last time.
    heard: Instant,
    /// The time between two heartbeats, once it is known.
    alive: Option<Duration>,
    /// When the server wants this client back.
    moment: Option<Instant>,
    /// The server's farewell.
    farewell: Option<Box<str>>,
}

/// What goes. A task writes it, since reading must go on while the server does not read: an owner whose acks nobody takes
/// is not read.
pub(super) struct Mouth {
    writer: mpsc::Sender<Utf8Bytes>,
    _writing: AbortOnDropHandle<()>,
}

impl Line {
    pub(super) fn new(socket: Socket) -> Self {
        let (mut sink, reader) = socket.split();
        let (writer, mut texts) = mpsc::channel::<Utf8Bytes>(TEXTS_MAX);
        let writing = tokio::spawn(async move {
            while let Some(text) = texts.recv().await {
                let fed = feed(&mut sink, text).await;
                let flushed = if fed.is_ok() && texts.is_empty() { flush(&mut sink).await } else { fed };
                // The reader meets the same end.
                if flushed.is_err() {
                    return;
                }
            }
        });
        Self {
            ear: Ear { reader, heard: Instant::now(), alive: None, moment: None, farewell: None },
            mouth: Mouth { writer, _writing: AbortOnDropHandle::new(writing) },
        }
    }
}

/// Writes a text, or has it wait for the next one.
async fn feed(sink: &mut SplitSink<Socket, Message>, text: Utf8Bytes) -> Result<(), Error> {
    loop {
        match sink.feed(Message::Text(text.clone())).await {
            Err(Error::WriteBufferFull(earlier)) => feed_again(sink, *earlier).await?,
            other => return other,
        }
    }
}

/// Writes all texts that wait.
async fn flush(sink: &mut SplitSink<Socket, Message>) -> Result<(), Error> {
    loop {
        match sink.flush().await {
            Err(Error::WriteBufferFull(earlier)) => feed_again(sink, *earlier).await?,
            other => return other,
        }
    }
}

/// An earlier text had no place among the pongs that wait, since the server does not read. It has one when they are written.
async fn feed_again(sink: &mut SplitSink<Socket, Message>, earlier: Message) -> Result<(), Error> {
    sink.flush().await?;
    sink.feed(earlier).await
}

impl Mouth {
    /// A place for one more text, when there is one; `None` at the end. Cancelling it loses nothing.
    pub(super) async fn place(&self) -> Option<mpsc::Permit<'_, Utf8Bytes>> {
        self.writer.reserve().await.ok()
    }
}

impl Ear {
    /// The time between two heartbeats is known.
    pub(super) fn beats(&mut self, alive: Option<Duration>) {
        self.alive = alive;
    }

    /// Nobody has read for a while, which does not mean that nothing came.
    pub(super) fn was_not_read(&mut self) {
        self.heard = Instant::now();
    }

    /// The next frame. Cancelling it loses nothing.
    pub(super) async fn next(&mut self) -> Result<Frame, Parted> {
        loop {
            // What is buffered already costs the runtime no read: without this a flood of small frames would hold its thread.
            consume_budget().await;
            let silence = self.alive.map(|alive| self.heard + alive * MISSED_MAX);
            let message = tokio::select! {
                // What has come stands before a time that is over.
                biased;
                message = self.reader.next() => message,
                () = until(self.moment) => return Err(self.parted(Closing::lost("moment"))),
                () = until(silence) => return Err(self.parted(Closing::lost("silent"))),
            };
            self.heard = Instant::now();
            let text = match message {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = frame.map_or((1005, "".into()), |frame| (frame.code.into(), frame.reason));
                    let reason = self.farewell.as_deref().filter(|_| reason.is_empty()).unwrap_or(&reason);
                    return Err(self.parted(Closing::with(code, reason)));
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(self.parted(broken(&error))),
                None => return Err(self.parted(Closing::lost("lost"))),
            };
            match Frame::read(&text) {
                Ok(Some(Frame::Draining(time))) => self.moment = after(time),
                Ok(Some(Frame::Closed(reason))) => self.farewell = Some(reason),
                Ok(Some(frame)) => return Ok(frame),
                Ok(None) => {}
                Err(_) => return Err(self.parted(Closing::lost("protocol"))),
            }
        }
    }

    fn parted(&self, closing: Closing) -> Parted {
        Parted { closing, moment: self.moment }
    }
}

/// How a connection ends that cannot be read any further.
fn broken(error: &Error) -> Closing {
    match error {
        Error::Capacity(_) => Closing::lost("limit").for_good(),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Closing::lost("lost"),
        Error::Protocol(_) | Error::Utf8(_) => Closing::lost("protocol"),
        _ => Closing::lost("lost"),
    }
}

/// The end of a connection.
#[derive(Debug)]
pub(super) struct Parted {
    closing: Closing,
    /// When the server wants this client back.
    moment: Option<Instant>,
}

impl Parted {
    /// The same with times since `begun`.
    pub(super) fn end(self, begun: Instant) -> End {
        let advice = self.moment.map_or(Advice::None, |moment| Advice::At(moment - begun));
        End { closing: self.closing, advice }
    }
}

/// Returns the moment `time` from now; `None` if no clock reaches it.
pub(super) fn after(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}

/// Waits until `moment`, for ever if there is none. Also where the task has read so much that the runtime has it pause: a
/// server that floods must not hold its client's clock.
pub(super) async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => unconstrained(sleep_until(moment)).await,
        None => std::future::pending().await,
    }
}
