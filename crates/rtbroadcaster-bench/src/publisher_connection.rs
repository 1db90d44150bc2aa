//! The connection of one publisher: opens its room and writes its messages. Must not know when they are due.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::failure::BenchError;
use crate::frame::{self, Opcode};
use crate::handshake;
use crate::message::MessageTemplates;
use crate::plan::RunPlan;
use crate::viewer_connection::{CUT, code};

/// The longest time for any answer of the server.
const SILENCE: Duration = Duration::from_secs(10);

/// The most bytes that may wait for a socket before the next message.
const OUT_BYTES_MAX: usize = 256 * 1024;

const READ_BYTES: usize = 4 * 1024;

/// The connection of one publisher.
pub(crate) struct PublisherConnection {
    pub(crate) stream: mio::net::TcpStream,
    templates: MessageTemplates,
    /// The bytes that wait for the socket, and how many of them it has accepted.
    out: Vec<u8>,
    written: usize,
    pending: Vec<u8>,
}

impl PublisherConnection {
    /// Opens a room. Returns the connection and the room's name; an empty one with a relay, which has no rooms.
    pub(crate) fn open(plan: &RunPlan, address: SocketAddr, number: u32) -> Result<(Self, String), BenchError> {
        let silent = |what| {
            move |error: io::Error| match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                    BenchError::Silent { what, protocol: plan.protocol }
                }
                io::ErrorKind::UnexpectedEof => BenchError::Closed { who: "publisher", code: CUT },
                _ => BenchError::of_connection(error, address),
            }
        };
        let connect = || {
            let stream = TcpStream::connect_timeout(&address, SILENCE)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(SILENCE))?;
            (&stream).write_all(&handshake::request(&plan.target, plan.protocol))?;
            Ok(stream)
        };
        let mut stream = connect().map_err(silent("connect"))?;
        let mut pending = Vec::new();
        loop {
            more(&mut stream, &mut pending).map_err(silent("upgrade"))?;
            if let Some(end) = handshake::answer(&pending, plan.protocol)? {
                pending.drain(..end);
                break;
            }
        }
        let mut name = String::new();
        if let Some(opening) = plan.protocol.opening() {
            let opening = frame::masked(Opcode::Text, opening.as_bytes());
            stream.write_all(&opening).map_err(silent("open a room"))?;
            let answer = loop {
                match frame::first(&pending)? {
                    Some((Opcode::Text, payload)) => break payload,
                    Some((Opcode::Close, payload)) => {
                        return Err(BenchError::Closed { who: "publisher", code: code(&pending[payload]) });
                    }
                    Some((_, payload)) => drop(pending.drain(..payload.end)),
                    None => more(&mut stream, &mut pending).map_err(silent("open a room"))?,
                }
            };
            name = plan.protocol.admitted(&pending[answer.clone()])?;
            pending.drain(..answer.end);
        }
        stream.set_nonblocking(true).map_err(BenchError::System)?;
        let templates = MessageTemplates::new(plan.protocol, plan.kind, plan.size, number);
        let stream = mio::net::TcpStream::from_std(stream);
        Ok((Self { stream, templates, out: Vec::new(), written: 0, pending }, name))
    }

    /// Returns whether too many bytes wait for the socket to send another message.
    pub(crate) fn is_held_back(&self) -> bool {
        self.out.len() - self.written > OUT_BYTES_MAX
    }

    /// Queues a message until the next [`flush`](Self::flush).
    pub(crate) fn queue(&mut self, number: u32) {
        self.templates.write(number, &mut self.out);
    }

    /// Writes as much as the socket accepts. Returns whether that was everything.
    pub(crate) fn flush(&mut self) -> Result<bool, BenchError> {
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Bounds the memory if the socket never accepts everything.
                    self.out.drain(..std::mem::take(&mut self.written));
                    return Ok(false);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.cut(error)),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(true)
    }

    /// Reads all available frames, answers pings, and ignores all other frames but close.
    pub(crate) fn read(&mut self) -> Result<(), BenchError> {
        let mut buffer = [0; READ_BYTES];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(BenchError::Closed { who: "publisher", code: CUT }),
                Ok(read) => self.pending.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(BenchError::Connection(error)),
            }
            while let Some((opcode, payload)) = frame::first(&self.pending)? {
                let end = payload.end;
                match opcode {
                    Opcode::Ping => self.out.extend(frame::masked(Opcode::Pong, &self.pending[payload])),
                    Opcode::Close => {
                        return Err(BenchError::Closed { who: "publisher", code: code(&self.pending[payload]) });
                    }
                    Opcode::Text | Opcode::Pong => {}
                }
                self.pending.drain(..end);
            }
        }
        self.flush().map(drop)
    }

    /// Ends the room, if the server still reads.
    pub(crate) fn end(mut self, plan: &RunPlan) {
        if let Some(ending) = plan.protocol.ending() {
            self.out.extend(frame::masked(Opcode::Text, ending.as_bytes()));
            // Errors are ignored: the result is known, and this only removes the room.
            let _ = self.flush();
            let _ = self.stream.shutdown(std::net::Shutdown::Write);
        }
    }

    /// Returns why a write failed: the code of a close frame if there is one, else the error.
    fn cut(&mut self, error: io::Error) -> BenchError {
        let mut buffer = [0; READ_BYTES];
        while let Ok(read @ 1..) = self.stream.read(&mut buffer) {
            self.pending.extend_from_slice(&buffer[..read]);
        }
        while let Ok(Some((opcode, payload))) = frame::first(&self.pending) {
            if opcode == Opcode::Close {
                return BenchError::Closed { who: "publisher", code: code(&self.pending[payload]) };
            }
            self.pending.drain(..payload.end);
        }
        BenchError::Connection(error)
    }
}

/// Reads once. The end of the stream is an error.
fn more(stream: &mut TcpStream, pending: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; READ_BYTES];
    match stream.read(&mut buffer)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        read => {
            pending.extend_from_slice(&buffer[..read]);
            Ok(())
        }
    }
}
