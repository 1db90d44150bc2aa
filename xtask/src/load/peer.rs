//! One WebSocket connection of the load generator: no more than what is needed to be a client of the classic protocol.
//! Must not know what is said.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::frame::{self, BadFrame, Opcode};

/// The example of RFC 6455 section 1.3, and what it must be answered with.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The most bytes of an answer to the handshake.
const HEAD_BYTES_MAX: usize = 4 * 1024;

const READ_BYTES: usize = 64 * 1024;

thread_local! {
    /// One for all connections of a thread.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// Why a connection is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    #[error("the upgrade was answered with {0:?}")]
    Refused(String),
    #[error(transparent)]
    BadFrame(#[from] BadFrame),
    #[error("the connection ended without a close frame")]
    Cut,
    #[error("the server closed with {0}")]
    Closed(u16),
    #[error("unexpected answer: {0}")]
    Answer(String),
}

/// A connection after its handshake.
pub(crate) struct Peer {
    stream: TcpStream,
    /// The beginning of a frame that was not whole.
    pending: Vec<u8>,
}

/// Whether more may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Open,
    /// The server closed it with 1000 behind all that it had to say.
    Done,
}

impl Peer {
    /// Connects and upgrades.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, PeerError> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /broadcasting HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        let end = loop {
            if stream.read_buf(&mut head).await? == 0 || head.len() > HEAD_BYTES_MAX {
                return Err(PeerError::Cut);
            }
            if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let pending = head.split_off(end);
        let head = String::from_utf8_lossy(&head);
        if !(head.starts_with("HTTP/1.1 101 ") && head.lines().any(|line| line == ACCEPT)) {
            return Err(PeerError::Refused(head.lines().next().unwrap_or_default().into()));
        }
        Ok(Self { stream, pending })
    }

    /// Sends one text message.
    pub(crate) async fn say(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(&frame::masked(Opcode::Text, text.as_bytes())).await
    }

    /// The next message, in answer to what was said last. Others behind it are heard later.
    pub(crate) async fn answer(&mut self) -> Result<String, PeerError> {
        loop {
            while let Some((opcode, payload)) = frame::first(&self.pending)? {
                let end = payload.end;
                let payload = self.pending[payload].to_vec();
                self.pending.drain(..end);
                match opcode {
                    Opcode::Text => return Ok(String::from_utf8_lossy(&payload).into_owned()),
                    Opcode::Ping => self.stream.write_all(&frame::masked(Opcode::Pong, &payload)).await?,
                    Opcode::Pong => {}
                    Opcode::Close => return Err(PeerError::Closed(code(&payload))),
                }
            }
            if self.stream.read_buf(&mut self.pending).await? == 0 {
                return Err(PeerError::Cut);
            }
        }
    }

    /// Waits until something may have come. Cancel safe, which hearing is not.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.stream.readable().await
    }

    /// Reads once and gives every text in it, if any, to `take`. Answers pings and the close.
    pub(crate) async fn hear(&mut self, mut take: impl FnMut(&[u8])) -> Result<Link, PeerError> {
        let mut replies = Vec::new();
        let mut ended = None;
        let mut each = |opcode, payload: &[u8]| match opcode {
            Opcode::Text => take(payload),
            Opcode::Pong => {}
            Opcode::Ping => replies.extend(frame::masked(Opcode::Pong, payload)),
            Opcode::Close => {
                replies.extend(frame::masked(Opcode::Close, &payload[..payload.len().min(2)]));
                ended = Some(code(payload));
            }
        };
        self.read(&mut each).await?;
        self.stream.write_all(&replies).await?;
        match ended {
            None => Ok(Link::Open),
            Some(1000) => Ok(Link::Done),
            Some(code) => Err(PeerError::Closed(code)),
        }
    }

    async fn read(&mut self, each: &mut impl FnMut(Opcode, &[u8])) -> Result<(), PeerError> {
        let Self { stream, pending } = self;
        // What came with an earlier answer.
        if let Some(used) = drain(pending, each)? {
            pending.drain(..used);
            return Ok(());
        }
        stream.readable().await?;
        READ_BUFFER.with_borrow_mut(|buffer| match stream.try_read(buffer) {
            Ok(0) => Err(PeerError::Cut),
            Ok(read) => enter(pending, &buffer[..read], each),
            // The socket had already been emptied.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        })
    }
}

/// Takes the whole frames out of what waited and `bytes`; the rest waits. Copies only a frame that came in parts.
fn enter(pending: &mut Vec<u8>, bytes: &[u8], each: &mut impl FnMut(Opcode, &[u8])) -> Result<(), PeerError> {
    if pending.is_empty() {
        let used = drain(bytes, each)?.unwrap_or(0);
        pending.extend_from_slice(&bytes[used..]);
    } else {
        pending.extend_from_slice(bytes);
        let used = drain(pending, each)?.unwrap_or(0);
        pending.drain(..used);
    }
    Ok(())
}

/// Gives every whole frame to `each` and says how many bytes they took; `None` if there was none.
fn drain(bytes: &[u8], each: &mut impl FnMut(Opcode, &[u8])) -> Result<Option<usize>, PeerError> {
    let mut used = 0;
    while let Some((opcode, payload)) = frame::first(&bytes[used..])? {
        each(opcode, &bytes[used..][payload.clone()]);
        used += payload.end;
    }
    Ok((used > 0).then_some(used))
}

/// The code of a close frame; 1005 stands for none (RFC 6455 section 7.1.5).
fn code(payload: &[u8]) -> u16 {
    payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
}
