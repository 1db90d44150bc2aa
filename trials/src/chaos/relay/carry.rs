//! The bytes of one connection, both ways, until either end or the relay ends it. Must not know their contents, nor why
//! it is cut.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::cut::{Direction, PathFault};
use crate::load::peer::connect_from;

/// The time for which a cut in the middle of bytes waits for them.
const PART_TIME: Duration = Duration::from_millis(100);

/// The most bytes carried at a time.
const CHUNK_BYTES: usize = 8_192;

/// For a slow link: the kernel's buffer, and the number of chunks in a second.
const SLOW_BUFFER_BYTES: usize = 4_096;
const SLOW_CHUNKS_PER_SECOND: usize = 20;

/// The answer to a request that is refused.
const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// The most time of a request that is refused.
const REQUEST: Duration = Duration::from_secs(5);

/// The speed at which a connection is carried each way.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinkPace {
    chunk_bytes: usize,
    bytes_per_second: Option<u32>,
}

impl LinkPace {
    pub(super) fn of(bytes_per_second: Option<u32>) -> Self {
        let slow = bytes_per_second.map(|rate| (rate as usize / SLOW_CHUNKS_PER_SECOND).clamp(1, CHUNK_BYTES));
        Self { chunk_bytes: slow.unwrap_or(CHUNK_BYTES), bytes_per_second }
    }

    /// Waits for as long as a link of this pace needs for so many bytes.
    async fn spend(self, bytes: usize) {
        if let Some(rate) = self.bytes_per_second {
            sleep(Duration::from_secs_f64(bytes as f64 / f64::from(rate.max(1)))).await;
        }
    }
}

/// Connects to the server, from another address of this machine if one is given.
pub(super) async fn reach(target: SocketAddr, source: Option<Ipv4Addr>) -> std::io::Result<TcpStream> {
    match source {
        Some(source) => connect_from(source, target).await,
        None => TcpStream::connect(target).await,
    }
}

/// Answers a request with 503.
pub(super) async fn refuse(mut client: TcpStream) {
    let mut bytes = [0; 1_024];
    // Closing with unread bytes of the request would reset the connection and lose the answer.
    if let Ok(Ok(1..)) = timeout(REQUEST, client.read(&mut bytes)).await {
        let _ = client.write_all(UNAVAILABLE).await;
    }
}

/// Resets a connection: closing at once is a reset (RFC 9293 section 3.6).
pub(super) fn reset(client: &TcpStream) {
    let _ = SockRef::from(client).set_linger(Some(Duration::ZERO));
}

/// Carries bytes both ways until either ends.
pub(super) async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    pace: LinkPace,
    way: watch::Receiver<PathFault>,
) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    if pace.bytes_per_second.is_some() {
        for socket in [&client, &server] {
            let socket = SockRef::from(socket);
            let _ = (socket.set_recv_buffer_size(SLOW_BUFFER_BYTES), socket.set_send_buffer_size(SLOW_BUFFER_BYTES));
        }
    }
    {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            () = pump(from_client, to_server, Direction::ToServer, pace, way.clone()) => {}
            () = pump(from_server, to_client, Direction::ToClient, pace, way.clone()) => {}
        }
    }
    if matches!(*way.borrow(), PathFault::Reset | PathFault::Swallow(_)) {
        [&client, &server].into_iter().for_each(reset);
    }
}

/// Carries bytes one way until it ends or is cut.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    direction: Direction,
    pace: LinkPace,
    mut way: watch::Receiver<PathFault>,
) {
    let mut bytes = vec![0; pace.chunk_bytes];
    let mut is_dark = false;
    // A cut ordered before there was a server counts too.
    way.mark_changed();
    loop {
        let carried = async {
            if is_dark {
                // Not read, as nothing arrives: the sender's own buffers take the bytes.
                return std::future::pending().await;
            }
            match from.read(&mut bytes).await {
                Ok(count @ 1..) => {
                    pace.spend(count).await;
                    to.write_all(&bytes[..count]).await.is_ok()
                }
                _ => false,
            }
        };
        let cut = tokio::select! {
            biased;
            changed = way.changed() => changed.map_or(PathFault::Finish, |()| *way.borrow_and_update()),
            is_open = carried => if is_open { PathFault::None } else { return },
        };
        match cut {
            PathFault::None => {}
            PathFault::Finish | PathFault::Reset => return,
            PathFault::Dark(dark) => is_dark = dark.holds(direction),
            PathFault::Part(count) => {
                let count = count.min(bytes.len());
                let part = timeout(PART_TIME, from.read(&mut bytes[..count])).await;
                if let Ok(Ok(count)) = part {
                    let _ = to.write_all(&bytes[..count]).await;
                }
                return;
            }
            PathFault::Swallow(time) => {
                let swallowed = async { while let Ok(1..) = from.read(&mut bytes).await {} };
                tokio::select! {
                    () = swallowed => {}
                    () = sleep(time) => {}
                }
                return;
            }
        }
    }
}
