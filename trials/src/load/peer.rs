//! One WebSocket connection of a load generator: only what a client needs, well-behaved or not. Must not know its
//! messages.

use std::cell::RefCell;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::frame::{self, BadFrame, Opcode};

/// The key of the example of RFC 6455 section 1.3, and the answer to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The protocols; `None` is classic.
pub(crate) const V2: Option<&str> = Some("rtbroadcaster.v2");

/// The most bytes of an answer to the handshake.
const HEAD_BYTES_MAX: usize = 4 * 1024;

const READ_BYTES: usize = 64 * 1024;

/// The most bytes of a segment and of the receive buffer of a narrow connection: about as small as Linux allows, so
/// that unread bytes soon wait in the server.
const NARROW_SEGMENT_BYTES: u32 = 536;
const NARROW_RECEIVE_BYTES: u32 = 4 * 1024;

/// The time for which a client that has ended its side waits for the server's end.
const END: Duration = Duration::from_secs(5);

thread_local! {
    /// One buffer for all connections of a thread.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// The reason why a connection cannot be used any more.
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
    /// The beginning of an incomplete frame.
    pending: Vec<u8>,
}

/// Whether more may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    Open,
    /// The server closed it with 1000 after its last message.
    Done,
}

impl Peer {
    /// Connects and upgrades to classic.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, PeerError> {
        Self::open_as(address, None).await
    }

    /// Connects and upgrades to `protocol`.
    pub(crate) async fn open_as(address: SocketAddr, protocol: Option<&str>) -> Result<Self, PeerError> {
        Self::upgrade(TcpStream::connect(address).await?, address, protocol).await
    }

    /// Does the same from another address of this machine.
    pub(crate) async fn open_from(
        source: Ipv4Addr,
        address: SocketAddr,
        protocol: Option<&str>,
    ) -> Result<Self, PeerError> {
        Self::upgrade(connect_from(source, address).await?, address, protocol).await
    }

    /// Does the same over a connection that holds few bytes, from another address of this machine.
    pub(crate) async fn open_narrow_from(
        source: Ipv4Addr,
        address: SocketAddr,
        protocol: Option<&str>,
    ) -> Result<Self, PeerError> {
        Self::upgrade(connect_narrow_from(source, address).await?, address, protocol).await
    }

    /// Does the same over a connection that holds few bytes: a client that reads late is soon behind.
    pub(crate) async fn open_narrow(address: SocketAddr, protocol: Option<&str>) -> Result<Self, PeerError> {
        Self::upgrade(narrow()?.connect(address).await?, address, protocol).await
    }

    async fn upgrade(mut stream: TcpStream, address: SocketAddr, protocol: Option<&str>) -> Result<Self, PeerError> {
        stream.set_nodelay(true)?;
        let header = |name: &str| protocol.map(|protocol| format!("{name}: {protocol}\r\n"));
        let offer = header("Sec-WebSocket-Protocol").unwrap_or_default();
        let request = format!(
            "GET /broadcasting HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{offer}\r\n"
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
        let chosen = header("sec-websocket-protocol");
        let answers = |wanted: &str| head.split_inclusive("\r\n").any(|line| line.eq_ignore_ascii_case(wanted));
        let is_chosen = chosen.as_deref().is_none_or(answers);
        if !(head.starts_with("HTTP/1.1 101 ") && head.lines().any(|line| line == ACCEPT) && is_chosen) {
            return Err(PeerError::Refused(head.lines().next().unwrap_or_default().into()));
        }
        Ok(Self { stream, pending })
    }

    /// Sends one text message.
    pub(crate) async fn say(&mut self, text: &str) -> io::Result<()> {
        self.send(&frame::masked(Opcode::Text, text.as_bytes())).await
    }

    /// Sends bytes that are frames already.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Returns the next message, which answers the last request. Messages behind it are read later; heartbeats, which
    /// come at any time, are dropped.
    pub(crate) async fn answer(&mut self) -> Result<String, PeerError> {
        loop {
            while let Some((opcode, payload)) = frame::first(&self.pending)? {
                let end = payload.end;
                let payload = self.pending[payload].to_vec();
                self.pending.drain(..end);
                match opcode {
                    Opcode::Text if payload.starts_with(br#"{"type":"alive","#) => {}
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

    /// Waits until something may have arrived. Cancel safe, which `hear` is not.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.stream.readable().await
    }

    /// Reads once and passes every text in it to `take`. Answers pings and the close.
    pub(crate) async fn hear(&mut self, mut take: impl FnMut(&[u8])) -> Result<ReadOutcome, PeerError> {
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
        self.read(READ_BYTES, &mut each).await?;
        match ended {
            None => {
                self.stream.write_all(&replies).await?;
                Ok(ReadOutcome::Open)
            }
            Some(code) => {
                // The server may not read any more: the answer is optional, and nothing waits for it.
                let _ = self.stream.try_write(&replies);
                if code == 1000 { Ok(ReadOutcome::Done) } else { Err(PeerError::Closed(code)) }
            }
        }
    }

    /// Reads once, at most `bytes_max` bytes, passes every whole frame to `each`, and answers none. Returns how many
    /// bytes arrived.
    pub(crate) async fn read(
        &mut self,
        bytes_max: usize,
        each: &mut impl FnMut(Opcode, &[u8]),
    ) -> Result<usize, PeerError> {
        let Self { stream, pending } = self;
        // Frames that arrived with an earlier answer.
        if let Some(used) = drain(pending, each)? {
            pending.drain(..used);
            return Ok(0);
        }
        stream.readable().await?;
        READ_BUFFER.with_borrow_mut(|buffer| match stream.try_read(&mut buffer[..bytes_max.min(READ_BYTES)]) {
            Ok(0) => Err(PeerError::Cut),
            Ok(read) => enter(pending, &buffer[..read], each).map(|()| read),
            // The socket had already been emptied.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error.into()),
        })
    }
}

/// The methods of a client that misbehaves, and of one that writes without waiting.
impl Peer {
    /// Waits until something can be written. Cancel safe.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.stream.writable().await
    }

    /// Writes as much of `bytes` as there is room for, and returns how much that was.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.stream.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }

    /// Returns whether a frame is incomplete.
    pub(crate) fn is_inside_a_frame(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Ends this side (FIN); incoming frames can still be read.
    pub(crate) async fn end_this_side(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Ends this side (FIN), then waits for the server's end and reads nothing more. Returns whether the server ended
    /// in time.
    pub(crate) async fn finish(mut self) -> bool {
        let ended = async {
            self.stream.shutdown().await?;
            let mut dropped = Vec::with_capacity(READ_BYTES);
            while self.stream.read_buf(&mut dropped).await? > 0 {
                dropped.clear();
            }
            Ok::<_, io::Error>(())
        };
        timeout(END, ended).await.is_ok()
    }

    /// Ends both sides at once (RST).
    pub(crate) fn reset(self) {
        // If the option cannot be set, the connection ends by FIN.
        let _ = self.stream.set_zero_linger();
    }
}

/// Connects from another address of this machine: all of 127.0.0.0/8 are.
pub(crate) async fn connect_from(source: Ipv4Addr, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((source, 0).into())?;
    socket.connect(address).await
}

/// Does the same over a connection that holds few bytes.
pub(crate) async fn connect_narrow_from(source: Ipv4Addr, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = narrow()?;
    socket.bind((source, 0).into())?;
    socket.connect(address).await
}

fn narrow() -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    SockRef::from(&socket).set_tcp_mss(NARROW_SEGMENT_BYTES)?;
    socket.set_recv_buffer_size(NARROW_RECEIVE_BYTES)?;
    Ok(socket)
}

/// Takes the whole frames out of `pending` and `bytes`, and keeps the rest. Copies only a frame that arrived in parts.
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

/// Passes every whole frame to `each` and returns how many bytes they took; `None` if there was none.
fn drain(bytes: &[u8], each: &mut impl FnMut(Opcode, &[u8])) -> Result<Option<usize>, PeerError> {
    let mut used = 0;
    while let Some((opcode, payload)) = frame::first(&bytes[used..])? {
        each(opcode, &bytes[used..][payload.clone()]);
        used += payload.end;
    }
    Ok((used > 0).then_some(used))
}

/// Returns the code of a close frame; 1005 stands for none (RFC 6455 section 7.1.5).
pub(crate) fn code(payload: &[u8]) -> u16 {
    payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
}
