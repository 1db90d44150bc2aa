//! TLS over a TCP socket that a lane and a client task share. The session has a lock of its own beside the socket: the
//! lane only tries it, the client task waits for it. At most one record is encrypted ahead of the socket.
//! Must not know frames, certificates, nor how the handshake was done.

use std::io::{self, IoSlice, Read, Write};
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio_rustls::rustls::ServerConnection;

use super::tcp;

/// How many bytes are encrypted ahead of the socket: the most that one record holds (RFC 8446 section 5.1). What is
/// encrypted cannot be superseded any more.
const RECORD_BYTES_MAX: usize = 16 * 1024;

/// A TCP socket with a TLS session whose handshake is done.
#[derive(Debug)]
pub(crate) struct TlsSocket {
    tcp: TcpStream,
    /// Held while records are made and offered to the socket, which never waits: the order of the calls must be that of
    /// the records. After a panic a record may be half made, so nothing is sent any more and the connection ends.
    session: Mutex<Session>,
}

#[derive(Debug)]
struct Session {
    connection: ServerConnection,
    /// The waker of the client task, which passes on what a lane leaves behind.
    waker: Option<Waker>,
    /// Whether the peer was sent that nothing more comes.
    is_shut: bool,
}

impl TlsSocket {
    /// Takes over a `connection` whose handshake is done, on `tcp`.
    pub(crate) fn new(tcp: TcpStream, mut connection: ServerConnection) -> Self {
        connection.set_buffer_limit(Some(RECORD_BYTES_MAX));
        Self { tcp, session: Mutex::new(Session { connection, waker: None, is_shut: false }) }
    }

    /// Returns the TCP socket.
    pub(super) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// Encrypts and sends record by record until the socket takes no more, and returns how many of `bytes` are
    /// encrypted. Those will arrive, and must not be sent again. Takes nothing if the client task has the session, or
    /// ciphertext waits.
    ///
    /// Returns no errors: the client task meets them too and ends the connection.
    pub(super) fn try_send(&self, bytes: &[u8]) -> usize {
        let Ok(mut session) = self.session.try_lock() else { return 0 };
        let mut taken = 0;
        while taken < bytes.len() && !session.connection.wants_write() {
            match session.connection.writer().write(&bytes[taken..]) {
                Ok(0) | Err(_) => break,
                Ok(record) => taken += record,
            }
            while session.connection.wants_write() && session.send(&self.tcp).is_ok_and(|sent| sent > 0) {}
        }
        // What waits behind this record wakes the client task too, but nothing may come.
        let left = taken > 0 && session.connection.wants_write();
        let waker = if left { session.waker.take() } else { None };
        drop(session);
        if let Some(waker) = waker {
            waker.wake();
        }
        taken
    }

    /// Reads plaintext. What has to be answered, such as an alert or a key update, is sent as far as the socket takes
    /// it. The task is woken for the rest.
    pub(super) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut session = self.lock()?;
        loop {
            match session.connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
            ready!(self.tcp.poll_read_ready(cx))?;
            let connection = &mut session.connection;
            let read = || connection.read_tls(&mut &*SockRef::from(&self.tcp));
            match self.tcp.try_io(Interest::READABLE, read) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                result => result?,
            };
            let understood = session.connection.process_new_packets();
            let flushed = self.poll_send(&mut session, cx);
            understood.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if let Poll::Ready(flushed) = flushed {
                flushed?;
            }
        }
    }

    /// Encrypts one record of what `slices` hold, once everything before it is sent.
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut session = self.lock()?;
        ready!(self.poll_send(&mut session, cx))?;
        let taken = session.connection.writer().write_vectored(slices)?;
        if let Poll::Ready(sent) = self.poll_send(&mut session, cx) {
            sent?;
        }
        Poll::Ready(Ok(taken))
    }

    /// Sends what is encrypted. The task is woken too when a lane leaves something encrypted behind.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut session = self.lock()?;
        if !session.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            session.waker = Some(cx.waker().clone());
        }
        self.poll_send(&mut session, cx)
    }

    /// Sends that nothing more will be written (RFC 8446 section 6.1), and shuts the write half down.
    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut session = self.lock()?;
        if !session.is_shut {
            session.is_shut = true;
            session.connection.send_close_notify();
        }
        ready!(self.poll_send(&mut session, cx))?;
        Poll::Ready(tcp::shut(&self.tcp))
    }

    fn poll_send(&self, session: &mut Session, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while session.connection.wants_write() {
            ready!(self.tcp.poll_write_ready(cx))?;
            match self.tcp.try_io(Interest::WRITABLE, || session.send(&self.tcp)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn lock(&self) -> io::Result<MutexGuard<'_, Session>> {
        self.session.lock().map_err(|_| io::Error::other("a panic has left the TLS session half changed"))
    }
}

impl Session {
    /// Offers the socket what is encrypted, once.
    fn send(&mut self, tcp: &TcpStream) -> io::Result<usize> {
        self.connection.write_tls(&mut RecordSender(SockRef::from(tcp)))
    }
}

/// The writing half of a socket as rustls wants it.
struct RecordSender<'a>(SockRef<'a>);

impl Write for RecordSender<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        tcp::send(&self.0, bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        tcp::send_vectored(&self.0, slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
