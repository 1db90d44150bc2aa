//! One viewer: from its first byte to its last. Must not know the others.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;
use socket2::SockRef;

use crate::failure::Failure;
use crate::frame::{self, Opcode};
use crate::handshake;
use crate::ledger::Ledger;
use crate::plan::{Kind, Place, Plan, Protocol, Role};

/// What a viewer that came without a close frame was closed with (RFC 6455 section 7.1.5).
pub(crate) const CUT: u16 = 1006;

/// How far a viewer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum Stage {
    Connecting,
    Upgrading,
    Joining,
    /// It gets messages, or has stopped reading.
    Joined,
    Gone,
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    pub(crate) place: Place,
    pub(crate) stage: Stage,
    /// When it began to connect, by the clock of the run.
    pub(crate) began: u64,
    pub(crate) ledger: Ledger,
    /// Whether it has heard a probe.
    pub(crate) is_probed: bool,
    /// When it last got messages that are measured.
    pub(crate) heard: Option<u64>,
    /// The beginning of a frame that was not whole; usually nothing, and then no memory.
    pending: Vec<u8>,
}

/// What a viewer got, apart from messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Goes,
    Joined,
    /// The server has closed it with this code.
    Closed(u16),
}

impl Client {
    /// Begins to connect.
    pub(crate) fn connect(
        address: SocketAddr,
        place: Place,
        kind: Kind,
        began: u64,
        registry: &mio::Registry,
        token: mio::Token,
    ) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        // Registered once for both: asking for less later would cost a call for each viewer, and an edge that stays
        // away costs nothing.
        registry.register(&mut stream, token, mio::Interest::READABLE | mio::Interest::WRITABLE)?;
        let (ledger, pending) = (Ledger::new(kind), Vec::new());
        Ok(Self { stream, place, stage: Stage::Connecting, began, ledger, is_probed: false, heard: None, pending })
    }

    /// The connection may be there; if it is, asks for the upgrade.
    pub(crate) fn connected(&mut self, plan: &Plan) -> io::Result<()> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
            Err(error) => return Err(error),
        }
        self.stream.set_nodelay(true)?;
        // Leaves no port in TIME_WAIT, so that runs can follow each other.
        SockRef::from(&self.stream).set_linger(Some(std::time::Duration::ZERO))?;
        self.stage = Stage::Upgrading;
        self.send(&handshake::request(&plan.target, plan.protocol))
    }

    /// Reads all there is into `buffer`, and gives every message that a joined viewer gets to `take`.
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        is_ended: bool,
        protocol: Protocol,
        joining: Option<&str>,
        mut take: impl FnMut(&mut Self, &[u8]),
    ) -> Result<Outcome, Failure> {
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
            // A new vector, so that the idle hold nothing.
            self.pending = buffer[used..filled].to_vec();
            // A read that does not fill the buffer has emptied the socket (`epoll(7)`), unless its end is behind.
            if filled < buffer.len() && !is_ended {
                break;
            }
        }
        Ok(if before != Stage::Joined && self.stage == Stage::Joined { Outcome::Joined } else { Outcome::Goes })
    }

    /// Takes the whole frames; how many bytes they took, or the code of a close frame among them.
    fn enter(
        &mut self,
        bytes: &[u8],
        protocol: Protocol,
        joining: Option<&str>,
        take: &mut impl FnMut(&mut Self, &[u8]),
    ) -> Result<Result<usize, u16>, Failure> {
        let mut used = 0;
        if self.stage == Stage::Upgrading {
            let Some(end) = handshake::answer(bytes, protocol)? else { return Ok(Ok(0)) };
            used = end;
            self.stage = match joining {
                None => Stage::Joined,
                Some(text) => {
                    self.send(&frame::masked(Opcode::Text, text.as_bytes())).map_err(Failure::Connection)?;
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
                Opcode::Ping => self.send(&frame::masked(Opcode::Pong, payload)).map_err(Failure::Connection)?,
                Opcode::Pong => {}
                Opcode::Close => return Ok(Err(code(payload))),
            }
        }
        Ok(Ok(used))
    }

    /// Whether it takes messages.
    pub(crate) fn reads(&self) -> bool {
        self.place.role == Role::Reads
    }

    /// Nothing is read from it any more, as from a page that hangs.
    pub(crate) fn stall(&mut self, registry: &mio::Registry) -> io::Result<()> {
        registry.deregister(&mut self.stream)
    }

    fn close(&mut self, code: u16) -> Result<Outcome, Failure> {
        let was = std::mem::replace(&mut self.stage, Stage::Gone);
        if was == Stage::Joined { Ok(Outcome::Closed(code)) } else { Err(Failure::Closed { who: "viewer", code }) }
    }

    /// Writes little. What a full socket does not take is lost, which the server does not miss: it is a pong.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.stream.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            written => written.map(drop),
        }
    }
}

/// The code of a close frame; 1005 stands for none (RFC 6455 section 7.1.5).
pub(crate) fn code(payload: &[u8]) -> u16 {
    payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
}
