//! The options of a TCP socket: for small messages, and for noticing a slow or dead peer early.
//! Must not know frames, nor what else is around the socket.

use std::io;
use std::time::Duration;

use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::limit::Limit;
use socket2::SockRef;
use tokio::net::TcpStream;

/// How much unsent data the kernel takes before it says that the peer is slow (`tcp(7)`, `TCP_NOTSENT_LOWAT`). Without
/// it 0.1 to 2.6 MiB hide in the kernel, where nothing can be superseded. At 100 KiB/s 16 KiB make a value 0.1 s older,
/// 128 KiB 1 s (docs/performance.md). No `SO_SNDBUF`: with this it changes nothing here, but it would limit what is on
/// its way to a distant peer.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNSENT_BYTES_MAX: u32 = 16 * 1024;

/// How long beyond the stall limit the kernel waits for a peer that acknowledges nothing, or lets nothing in
/// (`TCP_USER_TIMEOUT`). Only a backstop: for a client with waiting frames the stall limit comes first.
#[cfg(any(target_os = "android", target_os = "linux"))]
const USER_TIMEOUT_MARGIN: Duration = Duration::from_secs(20);

/// The longest that the kernel takes: its milliseconds are a signed number of 32 bits.
#[cfg(any(target_os = "android", target_os = "linux"))]
const USER_TIMEOUT_MAX: Duration = Duration::from_millis(i32::MAX as u64);

/// A sign that the options of a connection's socket are set. [`tune`] makes it. A listener that puts it into the
/// extensions of the connection's requests saves the upgrade from setting them again.
#[derive(Debug, Clone, Copy)]
pub struct Tuned(());

/// Sets the socket options that this library wants, for a listener to call when it has accepted a connection. The
/// upgrade does it if [`Tuned`] is not among the request's extensions and the TCP socket can be found. A listener that
/// wraps its connections in a stream of its own has to do it here, because the upgrade sees that stream only.
///
/// | option | value | systems |
/// |---|---|---|
/// | `TCP_NODELAY` | on | all |
/// | `TCP_NOTSENT_LOWAT` | 16 KiB | Linux, Android |
/// | `TCP_USER_TIMEOUT` | [`stall_timeout`](Config::stall_timeout) and 20 s, off if that is `none` | Linux, Android |
///
/// An option that the system refuses is logged at the level `debug`. The connection works without it; a slow viewer is
/// noticed later.
///
/// ```
/// use rtbroadcaster::{Config, Tuned, tune};
/// use tokio::net::{TcpListener, TcpStream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let _client = TcpStream::connect(listener.local_addr()?).await?;
/// let (socket, _) = listener.accept().await?;
///
/// let tuned: Tuned = tune(&socket, &Config::default());
/// assert!(socket.nodelay()?);
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(tuned);
/// # Ok(()) }
/// ```
pub fn tune(socket: &TcpStream, config: &Config) -> Tuned {
    let options = SockRef::from(socket);
    set("TCP_NODELAY", options.set_tcp_nodelay(true));
    set_slowness(&options, config.stall_timeout);
    Tuned(())
}

/// Sets the options by which the kernel notices a slow peer, and a dead one.
#[cfg(any(target_os = "android", target_os = "linux"))]
fn set_slowness(options: &SockRef<'_>, stall_timeout: Limit<Duration>) {
    let backstop = stall_timeout.after(USER_TIMEOUT_MARGIN).map(|timeout| timeout.min(USER_TIMEOUT_MAX));
    set("TCP_NOTSENT_LOWAT", options.set_tcp_notsent_lowat(UNSENT_BYTES_MAX));
    set("TCP_USER_TIMEOUT", options.set_tcp_user_timeout(backstop));
}

/// Sets nothing: other systems have no such options, or socket2 no names for them.
#[cfg(not(any(target_os = "android", target_os = "linux")))]
fn set_slowness(_options: &SockRef<'_>, _stall_timeout: Limit<Duration>) {}

/// Logs a failure. Each option by itself: a kernel that refuses one may well take the others.
fn set(option: &'static str, result: io::Result<()>) {
    if let Err(error) = result {
        // Without it a slow peer is noticed later, which is not wrong.
        tracing::debug!(option, %error, "socket option not set");
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_sends_at_once_holds_little_back_and_notices_a_dead_peer() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        for (stall_timeout, backstop) in
            [(Limit::Max(Duration::from_secs(10)), Some(Duration::from_secs(30))), (Limit::None, None)]
        {
            let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (tcp, _) = listener.accept().await.unwrap();
            tune(&tcp, &Config { stall_timeout, ..Config::default() });
            let options = SockRef::from(&tcp);
            assert!(options.tcp_nodelay().unwrap());
            assert_eq!(options.tcp_notsent_lowat().unwrap(), 16_384);
            assert_eq!(options.tcp_user_timeout().unwrap(), backstop);
        }
    }
}
