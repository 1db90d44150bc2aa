//! A client of plain HTTP: only what is needed for one request after the other. Must not know what is requested.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::load::peer::connect_from;

/// The most bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 4 * 1024;

/// A connection that is kept alive.
pub(super) struct Plain {
    stream: TcpStream,
    address: SocketAddr,
    /// The bytes of an answer; the buffer is reused for the next one.
    read: Vec<u8>,
}

impl Plain {
    pub(super) async fn open_from(source: Ipv4Addr, address: SocketAddr) -> io::Result<Self> {
        let stream = connect_from(source, address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, address, read: Vec::new() })
    }

    /// Asks for `path`, reads the whole answer, and returns its status.
    pub(super) async fn ask(&mut self, path: &str) -> io::Result<u16> {
        self.stream.write_all(request(path, self.address).as_bytes()).await?;
        self.read.clear();
        let end = loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(end) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if self.read.len() > HEAD_BYTES_MAX {
                return Err(io::Error::other("the head of an answer is too long"));
            }
        };
        let (status, length) = head(&self.read[..end]).ok_or_else(|| io::Error::other("no answer of HTTP/1.1"))?;
        while self.read.len() < end + length {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(status)
    }
}

/// Returns a request for `path` that leaves the connection open.
pub(super) fn request(path: &str, address: SocketAddr) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n")
}

/// Returns the status of an answer, and the length of its body.
fn head(head: &[u8]) -> Option<(u16, usize)> {
    let head = std::str::from_utf8(head).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()?;
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    let length = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value).next();
    Some((status, length.map_or(Some(0), |length| length.parse().ok())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_length() {
        assert_eq!(head(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"), Some((200, 12)));
        assert_eq!(head(b"HTTP/1.1 304 Not Modified\r\n\r\n"), Some((304, 0)));
        assert_eq!(head(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"), None);
        assert_eq!(head(b"SSH-2.0\r\n\r\n"), None);
        assert_eq!(request("/a", ([127, 0, 0, 1], 80).into()), "GET /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n");
    }
}
