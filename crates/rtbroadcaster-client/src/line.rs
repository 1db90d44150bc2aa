//! One connection as the frames that come and the texts that go, until its end: its farewell, and the moment that the server
//! chose for coming back. Must not know what frames mean.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::task::{consume_budget, unconstrained};
use tokio::time::{Duration, Instant, sleep_until};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_util::task::AbortOnDropHandle;

use rtbroadcaster_core::close::CloseReason;

use super::comeback::{Advice, End};
use super::dial::Socket;
use super::frame::Frame;
use super::traffic::Traffic;
use rtbroadcaster_core::closing::Closing;

/// How many texts wait for the socket. More would only wait elsewhere.
const TEXTS_MAX: usize = 16;

/// What the WebSocket makes of a close frame whose code may not stand in one, such as the 1014 and 1015 of a proxy.
const UNFRAMED: (u16, &str) = (1002, "Protocol violation");

/// The close code of everything is said. Before it a server says why; a proxy that ends an idle connection does not.
const DONE: u16 = CloseReason::Done.code();

/// A connection. Dropping it ends it.
pub(super) struct Line {
    pub(super) ear: Ear,
    pub(super) mouth: Mouth,
    pub(super) traffic: Traffic,
}

/// What comes.
pub(super) struct Ear {
    reader: SplitStream<Socket>,
    /// When the server wants this client back.
    moment: Option<Instant>,
    /// The server's farewell, and why the room has ended.
    farewell: Option<(Box<str>, Box<str>)>,
}

/// What goes. A task writes it, since reading must go on while the server does not read: an owner whose acks nobody takes
/// is not read.
pub(super) struct Mouth {
    writer: mpsc::Sender<Utf8Bytes>,
    /// How many texts were given to the task, and how many of them the socket has taken.
    given: u64,
    taken: Arc<AtomicU64>,
    _writing: AbortOnDropHandle<()>,
}

impl Line {
    pub(super) fn new(socket: Socket, traffic: Traffic) -> Self {
        let (mut sink, reader) = socket.split();
        let (writer, mut texts) = mpsc::channel::<Utf8Bytes>(TEXTS_MAX);
        let taken = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&taken);
        let writing = tokio::spawn(async move {
            let mut fed_count = 0;
            while let Some(text) = texts.recv().await {
                let fed = feed(&mut sink, text).await;
                fed_count += 1;
                let is_last = texts.is_empty();
                let flushed = if fed.is_ok() && is_last { flush(&mut sink).await } else { fed };
                // The reader meets the same end.
                if flushed.is_err() {
                    return;
                }
                if is_last {
                    counted.store(fed_count, Ordering::Relaxed);
                }
            }
        });
        Self {
            ear: Ear { reader, moment: None, farewell: None },
            mouth: Mouth { writer, given: 0, taken, _writing: AbortOnDropHandle::new(writing) },
            traffic,
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
    /// Waits for a place for one more text; whether there is one, and not the end. Cancelling it loses nothing.
    pub(super) async fn has_place(&self) -> bool {
        self.writer.reserve().await.is_ok()
    }

    /// Gives a text to the task, for which there is a place.
    pub(super) fn say(&mut self, text: Utf8Bytes) {
        // Without a place it is the end, which the reader meets.
        if self.writer.try_send(text).is_ok() {
            self.given += 1;
        }
    }

    /// How many texts were given to the task.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// Whether the socket has taken so many of them.
    pub(super) fn has_taken(&self, count: u64) -> bool {
        self.taken.load(Ordering::Relaxed) >= count
    }
}

impl Ear {
    /// The next frame; `None` when it is `due` before one comes. Cancelling it loses nothing.
    pub(super) async fn next(&mut self, due: Option<Instant>) -> Result<Option<Frame>, Parted> {
        loop {
            // What is buffered already costs the runtime no read: without this a flood of small frames would hold its thread.
            consume_budget().await;
            let message = tokio::select! {
                // What has come stands before a time that is over.
                biased;
                message = self.reader.next() => message,
                () = until(self.moment) => return Err(self.parted(Closing::lost("moment"))),
                () = until(due) => return Ok(None),
            };
            let text = match message {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = frame.map_or((1005, "".into()), |frame| (frame.code.into(), frame.reason));
                    return Err(self.parted(self.closing(code, &reason)));
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(self.parted(broken(&error))),
                None => return Err(self.parted(Closing::lost("lost"))),
            };
            match Frame::read(&text) {
                Ok(Some(Frame::Draining(time))) => self.moment = after(time),
                Ok(Some(Frame::Closed(reason, why))) => self.farewell = Some((reason, why)),
                Ok(Some(frame)) => return Ok(Some(frame)),
                Ok(None) => {}
                Err(_) => return Err(self.parted(Closing::lost("protocol"))),
            }
        }
    }

    /// The end of this connection for a reason that was found elsewhere, with times since `begun`.
    pub(super) fn end(&self, closing: Closing, begun: Instant) -> End {
        self.parted(closing).end(begun)
    }

    /// What a close frame means behind the server's farewell, or without one.
    fn closing(&self, code: u16, reason: &str) -> Closing {
        if (code, reason) == UNFRAMED {
            return Closing::lost("protocol");
        }
        match &self.farewell {
            Some((farewell, why)) => {
                Closing::with(code, if reason.is_empty() { farewell } else { reason }).because(why)
            }
            None if code == DONE => Closing::with(code, reason).not_for_good(),
            None => Closing::with(code, reason),
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
