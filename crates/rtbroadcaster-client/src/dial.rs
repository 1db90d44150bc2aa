//! Connects to a server and does the WebSocket handshake of version 2. Must not know rooms.

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

use rtbroadcaster_core::closing::Closing;

use super::Options;
use super::address::{Address, Security};
use super::backoff::{Advice, ConnectionEnd};
use super::bounds;
use super::suspension;
use super::target::{Target, Way};
use super::traffic::Traffic;

/// The name of the protocol.
const SUBPROTOCOL: HeaderValue = HeaderValue::from_static("rtbroadcaster.v2");

/// How many bytes one read takes at most. The runtime makes a task yield after 128 reads; with larger reads, a flood of
/// empty fragments would keep the task busy for seconds.
const READ_BYTES: usize = 16 << 10;

/// How many bytes are buffered before they are written, and how many bytes of pongs and frame headers may be buffered
/// beside one message. While a server does not read, the newest pong replaces all that do not fit (RFC 6455 section
/// 5.5.3).
const WRITE_BYTES: usize = 16 << 10;
const AROUND_BYTES: usize = 64 << 10;

/// A byte stream.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// A connection that speaks version 2.
pub(super) type ClientSocket = WebSocketStream<Box<dyn ByteStream>>;

/// A connector to one server.
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
            // Both ends sleep at once, and a test may have paused the clock.
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

    /// Returns a new connection and its traffic, or an error after `time`.
    pub(super) async fn dial(&self, time: Duration) -> Result<(ClientSocket, Traffic), ConnectionEnd> {
        let traffic = Traffic::new();
        let opened = async {
            let (stream, address) = match &self.target.0 {
                Way::Network(address) => (self.connect(address, &traffic).await?, address),
                Way::InMemory(server) => {
                    let stream = server.connect().ok_or_else(lost)?;
                    (Box::new(traffic.of(stream)) as Box<dyn ByteStream>, &server.address)
                }
            };
            self.shake_hands(address, stream).await
        };
        let socket =
            tokio::time::timeout(time, opened).await.unwrap_or_else(|_| Err(Closing::lost("silent").into()))?;
        Ok((socket, traffic))
    }

    async fn connect(&self, address: &Address, traffic: &Traffic) -> Result<Box<dyn ByteStream>, ConnectionEnd> {
        let stream = TcpStream::connect((address.host(), address.port())).await.map_err(|_| lost())?;
        // Small messages must not wait for each other's TCP acknowledgements.
        stream.set_nodelay(true).map_err(|_| lost())?;
        // Counts below TLS, which passes a record on only when it is whole.
        let stream = traffic.of(stream);
        match address.security() {
            Security::Plain => Ok(Box::new(stream)),
            #[cfg(feature = "tls")]
            Security::Tls => self.tls.secure(address.host(), stream).await,
        }
    }

    async fn shake_hands(&self, address: &Address, stream: Box<dyn ByteStream>) -> Result<ClientSocket, ConnectionEnd> {
        let request = address.uri().into_client_request();
        let mut request = request.map_err(|_| Closing::lost("protocol").for_good())?;
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
        let shaken = tokio_tungstenite::client_async_with_config(request, stream, Some(self.limits)).await;
        let (socket, response) = shaken.map_err(refused)?;
        // The client asked for no extension (RFC 6455 section 4.1), and an unknown one changes what frames mean.
        if response.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS) {
            return Err(Closing::lost("protocol").for_good().into());
        }
        Ok(socket)
    }
}

fn lost() -> ConnectionEnd {
    Closing::lost("lost").into()
}

/// Returns the end of an attempt whose handshake failed.
fn refused(error: Error) -> ConnectionEnd {
    match error {
        Error::Http(response) => {
            let status = response.status();
            let closing = Closing::lost(&format!("http_{}", status.as_u16()));
            // 408, 425, 429 and 5xx: a later attempt may succeed.
            let may_pass = matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error();
            let after = response.headers().get(RETRY_AFTER).and_then(|after| bounds::retry_after(after.to_str().ok()?));
            let advice = after.map_or(Advice::None, Advice::NotBefore);
            ConnectionEnd { closing: if may_pass { closing } else { closing.for_good() }, advice }
        }
        // The connection was cut in the middle of the handshake, which is no answer.
        Error::Io(_) | Error::ConnectionClosed | Error::AlreadyClosed => lost(),
        Error::Protocol(ProtocolError::HandshakeIncomplete) => lost(),
        _ => Closing::lost("protocol").for_good().into(),
    }
}
