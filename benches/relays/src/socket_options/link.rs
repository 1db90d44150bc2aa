//! One TCP connection over loopback, with the compared options at the sender's end. Must not know what is measured.

use std::io::{self, ErrorKind, IoSlice, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, SockRef, Socket, Type};

/// The size of a message, in bytes.
pub(crate) const MESSAGE_BYTES: usize = 512;

/// The bytes that Ethernet carries in a segment with timestamps.
const FAR_SEGMENT_BYTES: u32 = 1448;

/// The kernel doubles it for its own bookkeeping (socket(7)).
const NARROW_RECEIVE_BYTES: usize = 16 * 1024;

/// The compared options. `None` leaves the kernel's default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// `TCP_NOTSENT_LOWAT`.
    pub(crate) unsent_bytes_max: Option<u32>,
    /// `SO_SNDBUF`, which the kernel doubles.
    pub(crate) send_buffer_bytes: Option<usize>,
}

/// The reader's end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// As the kernel has it on loopback, like a proxy on the same machine: segments of 64 KiB.
    Local,
    /// Like a page elsewhere: segments of Ethernet, a receive buffer as the kernel has it.
    Far,
    /// Like a page on a slow link: segments of Ethernet, a small window (`SO_RCVBUF`).
    Narrow,
}

/// Whether the kernel takes more bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taking {
    More,
    NoMore,
}

/// A connection whose ends never block.
pub(crate) struct TcpLink {
    pub(crate) sender: TcpStream,
    pub(crate) reader: TcpStream,
}

impl TcpLink {
    pub(crate) fn open(options: Options, reader: Reader) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let end = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        if reader != Reader::Local {
            end.set_tcp_mss(FAR_SEGMENT_BYTES)?;
        }
        if reader == Reader::Narrow {
            end.set_recv_buffer_size(NARROW_RECEIVE_BYTES)?;
        }
        end.connect(&listener.local_addr()?.into())?;
        let (sender, _) = listener.accept()?;
        sender.set_nodelay(true)?;
        if let Some(bytes) = options.unsent_bytes_max {
            SockRef::from(&sender).set_tcp_notsent_lowat(bytes)?;
        }
        if let Some(bytes) = options.send_buffer_bytes {
            SockRef::from(&sender).set_send_buffer_size(bytes)?;
        }
        sender.set_nonblocking(true)?;
        end.set_nonblocking(true)?;
        Ok(Self { sender, reader: end.into() })
    }

    /// Writes once; returns 0 if the kernel takes no bytes.
    pub(crate) fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match (&self.sender).write_vectored(slices) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }

    /// Waits at most `most` until the kernel takes more: with `TCP_NOTSENT_LOWAT`, until less than half of it is
    /// unsent.
    pub(crate) fn wait(&self, most: Duration) -> io::Result<Taking> {
        let timeout = Timespec::try_from(most).map_err(io::Error::other)?;
        let ready = poll(&mut [PollFd::new(&self.sender, PollFlags::OUT)], Some(&timeout))?;
        Ok(if ready == 0 { Taking::NoMore } else { Taking::More })
    }

    /// Returns how many bytes wait in the reader's kernel.
    pub(crate) fn arrived(&self) -> io::Result<u64> {
        Ok(rustix::io::ioctl_fionread(&self.reader)?)
    }
}
