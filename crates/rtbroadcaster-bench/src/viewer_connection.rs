//! The connection of one viewer. Must not know the other viewers.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;
use socket2::SockRef;

use crate::delivery_tracker::DeliveryTracker;
use crate::failure::BenchError;
use crate::frame::{self, Opcode};
use crate::handshake;
use crate::plan::{Assignment, Protocol, ReadMode, RunPlan, Workload};

/// The code of a connection that ended without a close frame (RFC 6455 section 7.1.5).
pub(crate) const CUT: u16 = 1006;

/// A viewer's progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum Stage {
    Connecting,
    Upgrading,
    Joining,
    /// It receives messages, or has stopped reading.
    Joined,
    Gone,
}

/// The connection of one viewer.
pub(crate) struct ViewerConnection {
    stream: TcpStream,
    pub(crate) assignment: Assignment,
    pub(crate) stage: Stage,
    /// When the viewer began to connect, by the clock of the run.
    pub(crate) began: u64,
    pub(crate) tracker: DeliveryTracker,
    /// Whether the viewer has received a probe.
    pub(crate) is_probed: bool,
    /// When the viewer last received measured messages.
    pub(crate) received_at: Option<u64>,
    /// The beginning of a partial frame; usually empty, and then without memory.
    pending: Vec<u8>,
}

/// The outcome of a read, apart from messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    Open,
    Joined,
    /// The connection has ended with this code.
    Closed(u16),
}

impl ViewerConnection {
    /// Begins to connect.
    pub(crate) fn connect(
        address: SocketAddr,
        assignment: Assignment,
        kind: Workload,
        began: u64,
        registry: &mio::Registry,
        token: mio::Token,
    ) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        // Registered once for both: a later change would cost a call for each viewer, and without an event an
        // edge-triggered interest costs nothing.
        registry.register(&mut stream, token, mio::Interest::READABLE | mio::Interest::WRITABLE)?;
        let (tracker, pending) = (DeliveryTracker::new(kind), Vec::new());
        Ok(Self {
            stream,
            assignment,
            stage: Stage::Connecting,
            began,
            tracker,
            is_probed: false,
            received_at: None,
            pending,
        })
    }

    /// Checks whether the connection is established; if it is, sends the upgrade request.
    pub(crate) fn connected(&mut self, plan: &RunPlan) -> io::Result<()> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
            Err(error) => return Err(error),
        }
        self.stream.set_nodelay(true)?;
        // Keeps ports out of TIME_WAIT, so that another run can follow at once.
        SockRef::from(&self.stream).set_linger(Some(std::time::Duration::ZERO))?;
        self.stage = Stage::Upgrading;
        self.send(&handshake::request(&plan.target, plan.protocol))
    }

    /// Reads all available bytes into `buffer`, and calls `take` for every message of a joined viewer.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        is_ended: bool,
        protocol: Protocol,
        joining: Option<&str>,
        mut take: impl FnMut(&mut Self, &[u8]),
    ) -> Result<ReadOutcome, BenchError> {
        let before = self.stage;
        loop {
            let waiting = self.pending.len();
            buffer[..waiting].copy_from_slice(&self.pending);
            let read = match self.stream.read(&mut buffer[waiting..]) {
                Ok(0) => return self.close(CUT),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return self.close(CUT),
            };
            let filled = waiting + read;
            let used = self.enter(&buffer[..filled], protocol, joining, &mut take)?;
            if let Err(code) = used {
                return self.close(code);
            }
            let used = used.unwrap_or(filled);
            // A new vector, so that an idle viewer holds no memory.
            self.pending = buffer[used..filled].to_vec();
            // A read that does not fill the buffer has emptied the socket (`epoll(7)`), unless the end of the stream
            // follows.
            if filled < buffer.len() && !is_ended {
                break;
            }
        }
        Ok(if before != Stage::Joined && self.stage == Stage::Joined { ReadOutcome::Joined } else { ReadOutcome::Open })
    }

    /// Handles the whole frames. Returns how many bytes they had, or the code of a close frame among them.
    fn enter(
        &mut self,
        bytes: &[u8],
        protocol: Protocol,
        joining: Option<&str>,
        take: &mut impl FnMut(&mut Self, &[u8]),
    ) -> Result<Result<usize, u16>, BenchError> {
        let mut used = 0;
        if self.stage == Stage::Upgrading {
            let Some(end) = handshake::answer(bytes, protocol)? else { return Ok(Ok(0)) };
            used = end;
            self.stage = match joining {
                None => Stage::Joined,
                Some(text) => {
                    self.send(&frame::masked(Opcode::Text, text.as_bytes())).map_err(BenchError::Connection)?;
                    Stage::Joining
                }
            };
        }
        while let Some((opcode, payload)) = frame::first(&bytes[used..])? {
            let end = used + payload.end;
            let payload = &bytes[used + payload.start..end];
            used = end;
            match opcode {
                Opcode::Text if self.stage == Stage::Joining => {
                    protocol.admitted(payload)?;
                    self.stage = Stage::Joined;
                }
                Opcode::Text => take(self, payload),
                Opcode::Ping => self.send(&frame::masked(Opcode::Pong, payload)).map_err(BenchError::Connection)?,
                Opcode::Pong => {}
                Opcode::Close => return Ok(Err(code(payload))),
            }
        }
        Ok(Ok(used))
    }

    /// Returns whether the viewer reads messages.
    pub(crate) fn reads(&self) -> bool {
        self.assignment.read_mode == ReadMode::Reads
    }

    /// Stops reading, like a page that hangs.
    pub(crate) fn stall(&mut self, registry: &mio::Registry) -> io::Result<()> {
        registry.deregister(&mut self.stream)
    }

    /// Ends the connection with this code, which is a failure if the viewer has not joined.
    fn close(&mut self, code: u16) -> Result<ReadOutcome, BenchError> {
        let was = std::mem::replace(&mut self.stage, Stage::Gone);
        if was == Stage::Joined {
            Ok(ReadOutcome::Closed(code))
        } else {
            Err(BenchError::Closed { who: "viewer", code })
        }
    }

    /// Writes a few bytes. If the socket is full, they are dropped: the server does not need the pong.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.stream.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            written => written.map(drop),
        }
    }
}

/// Returns the code of a close frame; 1005 if it has none (RFC 6455 section 7.1.5).
pub(crate) fn code(payload: &[u8]) -> u16 {
    payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
}
