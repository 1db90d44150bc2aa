//! Connects to a server and speaks the handshake of version 2. Must not know rooms.

use std::time::Duration;

use http::HeaderValue;
use http::header::{RETRY_AFTER, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, error::ProtocolError};

use super::Options;
use super::address::{Address, Security};
use super::bounds;
use super::comeback::{Advice, End};
use super::ending::Closing;
use super::suspension;
use super::target::{Target, Way};
use super::traffic::Traffic;

/// The name of the protocol.
const SUBPROTOCOL: HeaderValue = HeaderValue::from_static("rtbroadcaster.v2");

/// How many bytes are read at a time. The runtime has a task pause after 128 reads; with more in each, a flood of empty
/// fragments would hold it for seconds.
const READ_BYTES: usize = 16 << 10;

/// How many bytes are collected before they are written, and how many of pongs and of what else stands around a message
/// may wait besides one message. While a server does not read, the newest pong takes the place of all that do not fit
/// (RFC 6455 section 5.5.3).
const WRITE_BYTES: usize = 16 << 10;
const AROUND_BYTES: usize = 64 << 10;

/// A byte stream.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// A connection that speaks version 2.
pub(super) type Socket = WebSocketStream<Box<dyn Transport>>;

/// What makes connections to one server.
#[derive(Debug)]
pub(super) struct Dialer {
    target: Target,
    limits: WebSocketConfig,
    /// Changes each time that the machine may have slept.
    pub(super) slept: watch::Receiver<u64>,
    #[cfg(feature = "tls")]
    tls: super::tls::Tls,
}

impl Dialer {
    pub(super) fn new(target: Target, options: &Options) -> Self {
        let write_bytes_max = options.message_bytes_max.saturating_add(WRITE_BYTES + AROUND_BYTES);
        let limits = WebSocketConfig::default()
            .max_message_size(Some(options.frame_bytes_max))
            .max_frame_size(Some(options.frame_bytes_max))
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(WRITE_BYTES)
            .max_write_buffer_size(write_bytes_max);
        let slept = match &target.0 {
            Way::Network(_) => suspension::watch(),
            // Both ends sleep at once, and the clock may be a test's.
            Way::InMemory(_) => watch::channel(0).1,
        };
        Self {
            target,
            limits,
            slept,
            #[cfg(feature = "tls")]
            tls: super::tls::Tls::default(),
        }
    }

    /// A new connection and its traffic, within `time`.
    pub(super) async fn dial(&self, time: Duration) -> Result<(Socket, Traffic), End> {
        let traffic = Traffic::new();
        let opened = async {
            let (stream, address) = match &self.target.0 {
                Way::Network(address) => (self.connect(address, &traffic).await?, address),
                Way::InMemory(server) => {
                    let stream = server.connect().ok_or_else(lost)?;
                    (Box::new(traffic.of(stream)) as Box<dyn Transport>, &server.address)
                }
            };
            self.shake_hands(address, stream).await
        };
        let socket =
            tokio::time::timeout(time, opened).await.unwrap_or_else(|_| Err(Closing::lost("silent").into()))?;
        Ok((socket, traffic))
    }

    async fn connect(&self, address: &Address, traffic: &Traffic) -> Result<Box<dyn Transport>, End> {
        let stream = TcpStream::connect((address.host(), address.port())).await.map_err(|_| lost())?;
        // Small messages must not wait for each other's TCP acknowledgements.
        stream.set_nodelay(true).map_err(|_| lost())?;
        // Below TLS, whose records are seen only when they are whole.
        let stream = traffic.of(stream);
        match address.security() {
            Security::Plain => Ok(Box::new(stream)),
            #[cfg(feature = "tls")]
            Security::Tls => self.tls.secure(address.host(), stream).await,
        }
    }

    async fn shake_hands(&self, address: &Address, stream: Box<dyn Transport>) -> Result<Socket, End> {
        let request = address.uri().into_client_request();
        let mut request = request.map_err(|_| Closing::lost("protocol").for_good())?;
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
        let shaken = tokio_tungstenite::client_async_with_config(request, stream, Some(self.limits)).await;
        let (socket, response) = shaken.map_err(refused)?;
        // None was asked for (RFC 6455 section 4.1), and what it means for frames is not known here.
        if response.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS) {
            return Err(Closing::lost("protocol").for_good().into());
        }
        Ok(socket)
    }
}

fn lost() -> End {
    Closing::lost("lost").into()
}

/// What an error of the handshake means.
fn refused(error: Error) -> End {
    match error {
        Error::Http(response) => {
            let status = response.status();
            let closing = Closing::lost(&format!("http_{}", status.as_u16()));
            // 408, 429 and whatever says of itself that it is the server's or a proxy's fault.
            let may_pass = matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error();
            let after = response.headers().get(RETRY_AFTER).and_then(|after| bounds::retry_after(after.to_str().ok()?));
            let advice = after.map_or(Advice::None, Advice::NotBefore);
            End { closing: if may_pass { closing } else { closing.for_good() }, advice }
        }
        // What was cut in the middle of the handshake is no answer.
        Error::Io(_) | Error::ConnectionClosed | Error::AlreadyClosed => lost(),
        Error::Protocol(ProtocolError::HandshakeIncomplete) => lost(),
        _ => Closing::lost("protocol").for_good().into(),
    }
}
