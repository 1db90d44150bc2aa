//! The floor: the least that a relay of text messages on one core can do. All that is read at once from one connection
//! is sent to each other connection by one bare `send`. Must not know rooms. It has no queue, no lock and no task: it
//! only keeps the bytes that a socket does not take at once.
//!
//! `relay-floor [ADDRESS]`

mod handshake;

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use rtbroadcaster_core::wire::{Binary, Decoder, DecoderLimits, Excess, Incoming, encode};

/// The token of the listener; the token of a client is its index.
const LISTENER: Token = Token(usize::MAX);

/// The most bytes read at once: more than a window of 16 messages of 16 KiB.
const READ_BYTES: usize = 512 * 1024;

/// The most events taken at once.
const EVENTS_MAX: usize = 1024;

/// The longest message.
const LIMITS: DecoderLimits = DecoderLimits {
    message_bytes_max: 1024 * 1024,
    fragments_max: 128,
    excess: Excess::Refused,
    binary: Binary::Refuse,
};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let address: SocketAddr = address.parse().map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    let mut relay = Relay::listen(address)?;
    println!("listening on ws://{}/", relay.listener.local_addr()?);
    relay.run()
}

/// One connection.
struct Client {
    stream: TcpStream,
    /// None for idle connections, which are most of them.
    busy: Option<Box<Unfinished>>,
}

/// The unfinished input and output of a connection.
enum Unfinished {
    /// The request of the handshake, as far as it has arrived.
    Opening(Vec<u8>),
    /// A message that arrived in parts, and the bytes that the socket did not take.
    Talking(Decoder, Vec<u8>),
}

/// Whether a connection stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinkState {
    Open,
    Closed,
}

struct Relay {
    poll: Poll,
    listener: TcpListener,
    clients: Slab<Client>,
    /// The bytes that were read last.
    buffer: Box<[u8]>,
    /// The frames of those bytes, one behind the other.
    frames: Vec<u8>,
}

impl Relay {
    fn listen(address: SocketAddr) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let buffer = vec![0; READ_BYTES].into();
        Ok(Self { poll, listener, clients: Slab::new(), buffer, frames: Vec::new() })
    }

    /// Serves until the process ends.
    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                done => done?,
            }
            for event in &events {
                if event.token() == LISTENER {
                    self.accept()?;
                    continue;
                }
                let place = event.token().0;
                if event.is_writable() {
                    self.write_rest(place);
                }
                if event.is_readable() && self.read(place).unwrap_or(LinkState::Closed) == LinkState::Closed {
                    self.clients.try_remove(place);
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // The client has disconnected already.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let place = self.clients.vacant_entry();
            self.poll.registry().register(&mut stream, Token(place.key()), Interest::READABLE)?;
            place.insert(Client { stream, busy: Some(Box::new(Unfinished::Opening(Vec::new()))) });
        }
    }

    /// Reads until the socket is empty, and relays the messages.
    fn read(&mut self, place: usize) -> io::Result<LinkState> {
        loop {
            let Some(client) = self.clients.get_mut(place) else { return Ok(LinkState::Open) };
            let read = match client.stream.read(&mut self.buffer) {
                Ok(0) => return Ok(LinkState::Closed),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(LinkState::Open),
                Err(error) => return Err(error),
            };
            self.frames.clear();
            let link = client.hear(&self.buffer[..read], &mut self.frames)?;
            if !self.frames.is_empty() {
                self.tell_others(place);
            }
            // A read that did not fill the buffer has emptied the socket (epoll(7)).
            if link == LinkState::Closed || read < self.buffer.len() {
                return Ok(link);
            }
        }
    }

    /// Sends `frames` once to each other client.
    fn tell_others(&mut self, speaker: usize) {
        for (place, client) in &mut self.clients {
            if place == speaker || client.is_opening() {
                continue;
            }
            match client.send(&self.frames) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let interests = Interest::READABLE | Interest::WRITABLE;
                    // If registering fails, the end of the connection will be read.
                    let _ = self.poll.registry().reregister(&mut client.stream, Token(place), interests);
                }
                // The end of the connection will be read.
                Err(_) => {}
            }
        }
    }

    /// Sends the bytes that a socket did not take before.
    fn write_rest(&mut self, place: usize) {
        if let Some(client) = self.clients.get_mut(place)
            && client.send(&[]).is_ok()
        {
            // If this fails, the client is woken without need.
            let _ = self.poll.registry().reregister(&mut client.stream, Token(place), Interest::READABLE);
        }
    }
}

impl Client {
    fn is_opening(&self) -> bool {
        matches!(self.busy.as_deref(), Some(Unfinished::Opening(_)))
    }

    /// Decodes the bytes that were read: answers a handshake, and appends the frames of messages to `frames`.
    fn hear(&mut self, mut bytes: &[u8], frames: &mut Vec<u8>) -> io::Result<LinkState> {
        let busy = self.busy.get_or_insert_with(|| Box::new(Unfinished::Talking(Decoder::new(LIMITS), Vec::new())));
        let (decoder, rest) = match &mut **busy {
            Unfinished::Opening(head) => {
                head.extend_from_slice(bytes);
                if let Some(answer) = handshake::answer(head)? {
                    // A new connection takes so few bytes at once.
                    self.stream.write_all(answer.as_bytes())?;
                    self.busy = None;
                }
                return Ok(LinkState::Open);
            }
            Unfinished::Talking(decoder, rest) => (decoder, rest),
        };
        loop {
            match decoder.decode(&mut bytes) {
                Ok(Some(Incoming::Text(text))) => frames.extend_from_slice(&encode::text(text.as_bytes())),
                Ok(Some(Incoming::Ping(payload))) => self.stream.write_all(&encode::pong(&payload))?,
                Ok(Some(Incoming::Pong(_))) => {}
                Ok(Some(Incoming::Close(code))) => {
                    self.stream.write_all(&encode::close_echo(code))?;
                    return Ok(LinkState::Closed);
                }
                Ok(None) => break,
                Ok(Some(Incoming::TooBig(_) | Incoming::Binary(_))) | Err(_) => return Ok(LinkState::Closed),
            }
        }
        if decoder.is_between_messages() && rest.is_empty() {
            self.busy = None;
        }
        Ok(LinkState::Open)
    }

    /// Sends `frames` behind the waiting bytes. Bytes that the socket does not take wait, and the result is
    /// `WouldBlock`.
    fn send(&mut self, frames: &[u8]) -> io::Result<()> {
        if let Some(Unfinished::Talking(_, rest)) = self.busy.as_deref_mut()
            && !rest.is_empty()
        {
            rest.extend_from_slice(frames);
            let written = written(self.stream.write(rest))?;
            rest.drain(..written);
            return if rest.is_empty() { Ok(()) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let written = if frames.is_empty() { 0 } else { written(self.stream.write(frames))? };
        if written == frames.len() {
            return Ok(());
        }
        let left = frames[written..].to_vec();
        match self.busy.as_deref_mut() {
            Some(Unfinished::Talking(_, rest)) => *rest = left,
            _ => self.busy = Some(Box::new(Unfinished::Talking(Decoder::new(LIMITS), left))),
        }
        Err(ErrorKind::WouldBlock.into())
    }
}

/// Returns how many bytes a socket took, which may be 0.
fn written(outcome: io::Result<usize>) -> io::Result<usize> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}
