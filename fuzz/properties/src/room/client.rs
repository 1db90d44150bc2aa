//! One client slot: its connection, if it has one, its unsent bytes, and what it remembers. Must not know the rules of
//! rooms.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rtbroadcaster::{Manager, Permit, Upgrade};
use rtbroadcaster_core::protocol::{Dialect, v2};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use super::frame::{ServerFrame, next};
use super::viewer::{Listener, Viewer};

/// The role of a client, as the server has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    None,
    /// The owner of the room with this index.
    Owner(usize),
    Viewer(usize),
}

/// The cursor that a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SentCursor {
    None,
    At(u64),
    Future,
    OtherEpoch,
    Malformed,
}

/// The answer that a request expects.
#[derive(Debug, Clone, Copy)]
pub(super) enum ExpectedAnswer {
    Room,
    Join(SentCursor),
    Unpause,
}

/// A slot for one client after the other.
pub(super) struct Client {
    pub(super) dialect: &'static Dialect,
    stream: Option<DuplexStream>,
    /// The bytes that it has written and the stream has not taken.
    pub(super) unsent: Vec<u8>,
    /// The rest of a half frame, which is sent before the next frame.
    pub(super) rest: Vec<u8>,
    /// Whether it sends its next text in fragments.
    pub(super) splits: bool,
    input: Vec<u8>,
    /// Whether the handshake's answer has arrived.
    is_open: bool,
    pub(super) reads: bool,
    /// Whether it sent unchecked bytes, so that its effects are not known.
    pub(super) is_wild: bool,
    pub(super) role: Role,
    pub(super) asked: HashMap<String, ExpectedAnswer>,
    /// The message that was acknowledged last, to be sent again.
    pub(super) acknowledged: Option<String>,
    /// The word of `closed`, after which only the close frame may arrive.
    pub(super) last_word: Option<String>,
    /// Everything that it has seen in version 2, over all connections.
    pub(super) viewer: Option<Viewer>,
    /// Everything that it has received as a classic viewer of one connection.
    pub(super) listener: Listener,
}

impl Client {
    pub(super) fn absent(dialect: &'static Dialect) -> Self {
        Self {
            dialect,
            stream: None,
            unsent: Vec::new(),
            rest: Vec::new(),
            splits: false,
            input: Vec::new(),
            is_open: false,
            reads: true,
            is_wild: false,
            role: Role::None,
            asked: HashMap::new(),
            acknowledged: None,
            last_word: None,
            viewer: None,
            listener: Listener::default(),
        }
    }

    /// Opens a connection that holds `buffer_bytes` of bytes that the other side has not read.
    pub(super) fn connect(&mut self, manager: &Manager, buffer_bytes: usize) {
        self.vanish();
        let protocol = self.dialect.name.map_or_else(String::new, |name| format!("Sec-WebSocket-Protocol: {name}\r\n"));
        let head = format!(
            "GET / HTTP/1.1\r\nHost: in.memory\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}\r\n"
        );
        self.unsent = head.into_bytes();
        self.stream = Some(serve(manager, buffer_bytes));
    }

    /// Returns whether it speaks version 2, otherwise classic.
    pub(super) fn is_v2(&self) -> bool {
        self.dialect.name == v2::DIALECT.name
    }

    pub(super) fn is_connected(&self) -> bool {
        self.stream.is_some()
    }

    /// Drops the connection without a close frame.
    pub(super) fn vanish(&mut self) {
        let (dialect, mut viewer) = (self.dialect, self.viewer.take());
        if let Some(viewer) = &mut viewer {
            viewer.cut();
        }
        *self = Self { viewer, ..Self::absent(dialect) };
    }

    /// Sends what the stream takes, and reads what has arrived unless it has stopped reading. Returns whether any byte
    /// moved.
    pub(super) fn pump(&mut self) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        let cx = &mut Context::from_waker(Waker::noop());
        let (mut moved, mut is_gone) = (false, false);
        while !self.unsent.is_empty() {
            match Pin::new(&mut *stream).poll_write(cx, &self.unsent) {
                Poll::Ready(Ok(written)) => drop(self.unsent.drain(..written)),
                Poll::Ready(Err(_)) => self.unsent.clear(),
                Poll::Pending => break,
            }
            moved = true;
        }
        let mut space = [0; 1024];
        while self.reads && !is_gone {
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.input.extend_from_slice(buffer.filled()),
                Poll::Ready(_) => is_gone = true,
                Poll::Pending => break,
            }
            moved = true;
        }
        if is_gone {
            self.stream = None;
        }
        moved
    }

    /// Returns the whole frames that have arrived.
    pub(super) fn came(&mut self) -> Vec<ServerFrame> {
        if !self.is_open {
            let Some(end) = self.input.windows(4).position(|four| four == b"\r\n\r\n") else { return Vec::new() };
            let head: Vec<u8> = self.input.drain(..end + 4).collect();
            self.is_open = head.starts_with(b"HTTP/1.1 101 ");
            if !self.is_open {
                assert!(head.starts_with(b"HTTP/1.1 429 "), "{}", String::from_utf8_lossy(&head));
                self.vanish();
                return Vec::new();
            }
        }
        std::iter::from_fn(|| next(&mut self.input)).collect()
    }

    /// Returns whether the server has accepted the handshake.
    pub(super) fn is_open(&self) -> bool {
        self.is_open && self.is_connected()
    }
}

/// Returns a stream at whose other end the library is served by hyper.
fn serve(manager: &Manager, buffer_bytes: usize) -> DuplexStream {
    let (here, there) = tokio::io::duplex(buffer_bytes);
    let manager = manager.clone();
    tokio::spawn(async move {
        let answer = async |mut request: Request<hyper::body::Incoming>| {
            let response: Response<Full<Bytes>> = match Upgrade::new(&mut request) {
                Ok(upgrade) => upgrade.accept(&manager, Permit::anything()).await,
                Err(error) => error.answer(&manager),
            };
            Ok::<_, Infallible>(response)
        };
        let connection = hyper::server::conn::http1::Builder::new();
        connection.serve_connection(TokioIo::new(there), service_fn(answer)).with_upgrades().await
    });
    here
}
