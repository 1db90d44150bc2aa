//! One connection as a stream of received frames and a queue of texts to send. Its end includes the server's `closed`
//! frame and the time that the server chose for the reconnect. Must not know what frames mean, but for `closed` and
//! `draining`.

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
use rtbroadcaster_core::closing::Closing;

use super::backoff::{Advice, ConnectionEnd};
use super::dial::ClientSocket;
use super::frame::ServerFrame;
use super::traffic::Traffic;

/// The most texts that wait for the socket. A longer queue would only move texts from another queue.
const TEXTS_MAX: usize = 16;

/// The code and reason that tungstenite reports for a close frame with a forbidden code, such as 1014 and 1015 of a
/// proxy.
const UNFRAMED: (u16, &str) = (1002, "Protocol violation");

/// The close code of a final end. A server sends `closed` before it; a proxy that closes an idle connection does not.
const DONE: u16 = CloseReason::Done.code();

/// A connection. Dropping it closes the connection.
pub(super) struct FrameStream {
    pub(super) reader: FrameReader,
    pub(super) writer: TextWriter,
    pub(super) traffic: Traffic,
}

/// The receiving half of a connection.
pub(super) struct FrameReader {
    messages: SplitStream<ClientSocket>,
    /// When the client reconnects, by the server's `draining`.
    moment: Option<Instant>,
    /// The reason of the server's `closed`, and why the room has ended.
    closed: Option<(Box<str>, Box<str>)>,
}

/// The sending half of a connection. A task of its own writes, since the client must keep reading while the server does
/// not read: the server stops reading an owner that does not read its acks.
pub(super) struct TextWriter {
    texts: mpsc::Sender<Utf8Bytes>,
    /// The number of texts that were handed to the task, and the number that the socket has accepted.
    given: u64,
    taken: Arc<AtomicU64>,
    _writing: AbortOnDropHandle<()>,
}

impl FrameStream {
    pub(super) fn new(socket: ClientSocket, traffic: Traffic) -> Self {
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
                // The receiving half returns the error.
                if flushed.is_err() {
                    return;
                }
                if is_last {
                    counted.store(fed_count, Ordering::Relaxed);
                }
            }
        });
        Self {
            reader: FrameReader { messages: reader, moment: None, closed: None },
            writer: TextWriter { texts: writer, given: 0, taken, _writing: AbortOnDropHandle::new(writing) },
            traffic,
        }
    }
}

/// Buffers a text for the socket, after an earlier one if that did not fit.
async fn feed(sink: &mut SplitSink<ClientSocket, Message>, text: Utf8Bytes) -> Result<(), Error> {
    loop {
        match sink.feed(Message::Text(text.clone())).await {
            Err(Error::WriteBufferFull(earlier)) => feed_again(sink, *earlier).await?,
            other => return other,
        }
    }
}

/// Writes all buffered texts.
async fn flush(sink: &mut SplitSink<ClientSocket, Message>) -> Result<(), Error> {
    loop {
        match sink.flush().await {
            Err(Error::WriteBufferFull(earlier)) => feed_again(sink, *earlier).await?,
            other => return other,
        }
    }
}

/// Flushes the pongs that fill the buffer while the server does not read, then buffers the text that did not fit.
async fn feed_again(sink: &mut SplitSink<ClientSocket, Message>, earlier: Message) -> Result<(), Error> {
    sink.flush().await?;
    sink.feed(earlier).await
}

impl TextWriter {
    /// Waits until the queue has a place for a text. Returns `false` if the connection has ended. Cancel safe.
    pub(super) async fn has_place(&self) -> bool {
        self.texts.reserve().await.is_ok()
    }

    /// Queues a text, for which [`has_place`](Self::has_place) has found a place.
    pub(super) fn send(&mut self, text: Utf8Bytes) {
        // Without a place the connection has ended, which the receiving half returns.
        if self.texts.try_send(text).is_ok() {
            self.given += 1;
        }
    }

    /// Returns how many texts were handed to the task.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// Returns whether the socket has accepted the first `count` texts.
    pub(super) fn has_taken(&self, count: u64) -> bool {
        self.taken.load(Ordering::Relaxed) >= count
    }
}

impl FrameReader {
    /// Returns the next frame; `None` if none comes before `due`. Cancel safe.
    pub(super) async fn next(&mut self, due: Option<Instant>) -> Result<Option<ServerFrame>, StreamEnd> {
        loop {
            // A buffered frame costs no read of the runtime: without this, a flood of small frames would block its
            // thread.
            consume_budget().await;
            let message = tokio::select! {
                // A frame that has arrived takes precedence over a deadline that has passed.
                biased;
                message = self.messages.next() => message,
                () = until(self.moment) => return Err(self.ended(Closing::lost("moment"))),
                () = until(due) => return Ok(None),
            };
            let text = match message {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = frame.map_or((1005, "".into()), |frame| (frame.code.into(), frame.reason));
                    return Err(self.ended(self.closing(code, &reason)));
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(self.ended(broken(&error))),
                None => return Err(self.ended(Closing::lost("lost"))),
            };
            match ServerFrame::read(&text) {
                Ok(Some(ServerFrame::Draining(time))) => self.moment = after(time),
                Ok(Some(ServerFrame::Closed(reason, why))) => self.closed = Some((reason, why)),
                Ok(Some(frame)) => return Ok(Some(frame)),
                Ok(None) => {}
                Err(_) => return Err(self.ended(Closing::lost("protocol"))),
            }
        }
    }

    /// Returns the end of this connection for a reason that the caller found, with times since `begun`.
    pub(super) fn end(&self, closing: Closing, begun: Instant) -> ConnectionEnd {
        self.ended(closing).end(begun)
    }

    /// Returns the end by a close frame, after the server's `closed` or without one.
    fn closing(&self, code: u16, reason: &str) -> Closing {
        if (code, reason) == UNFRAMED {
            return Closing::lost("protocol");
        }
        match &self.closed {
            Some((closed, why)) => Closing::with(code, if reason.is_empty() { closed } else { reason }).because(why),
            None if code == DONE => Closing::with(code, reason).not_for_good(),
            None => Closing::with(code, reason),
        }
    }

    fn ended(&self, closing: Closing) -> StreamEnd {
        StreamEnd { closing, moment: self.moment }
    }
}

/// Returns the end by an error of the WebSocket.
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
pub(super) struct StreamEnd {
    closing: Closing,
    /// When the client reconnects, by the server's `draining`.
    moment: Option<Instant>,
}

impl StreamEnd {
    /// Returns the end with times since `begun`.
    pub(super) fn end(self, begun: Instant) -> ConnectionEnd {
        let advice = self.moment.map_or(Advice::None, |moment| Advice::At(moment - begun));
        ConnectionEnd { closing: self.closing, advice }
    }
}

/// Returns the moment `time` from now; `None` if the clock overflows.
pub(super) fn after(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}

/// Waits until `moment`, or for ever if there is none. The wait ignores tokio's task budget: a server that floods must
/// not stop its client's clock.
pub(super) async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => unconstrained(sleep_until(moment)).await,
        None => std::future::pending().await,
    }
}
