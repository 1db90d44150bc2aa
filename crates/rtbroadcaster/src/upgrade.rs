//! From an HTTP request to a served client: the handshake's answer, then the socket.
//! Must not know rooms; it hands a byte stream and a permit to a client.

#[cfg(test)]
mod echo;
mod origin;
#[cfg(feature = "tls")]
#[cfg(test)]
mod secured;
mod unwrap;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Version};
use hyper::upgrade::{OnUpgrade, Upgraded};
use rtbroadcaster_core::protocol;
use rtbroadcaster_core::wire::handshake::{self, HandshakeError};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::client::Client;
use crate::manager::Manager;
use crate::rights::Permit;
use crate::server::{ConnectionSlot, Server, TooMany};
use crate::socket::Tuned;
pub use origin::OriginError;
use origin::{Claim, Page};
use unwrap::{TakeSocket, socket_of, take_back};

/// When a connection was accepted, and from where. A server that puts this into the extensions of its requests has the
/// deadlines count from there and the limits per address apply to handshakes. Otherwise deadlines count from the
/// upgrade. Under axum, `into_make_service_with_connect_info::<SocketAddr>()` serves for the address.
///
/// ```
/// use rtbroadcaster::Arrival;
///
/// let arrival = Arrival::now(([192, 0, 2, 1], 50_000).into());
/// let mut request = http::Request::new(());
/// assert!(request.extensions_mut().insert(arrival).is_none(), "one arrival for one connection");
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Arrival {
    /// When it was accepted.
    pub accepted: Instant,
    /// The address of the other end.
    pub peer: SocketAddr,
}

impl Arrival {
    /// Returns the arrival of a connection from `peer` that is accepted at this moment.
    pub fn now(peer: SocketAddr) -> Self {
        Self::at(Instant::now(), peer)
    }

    /// Returns the arrival of a connection from `peer` that was `accepted` then.
    pub fn at(accepted: Instant, peer: SocketAddr) -> Self {
        Self { accepted, peer }
    }
}

/// A request that asks for a WebSocket connection.
///
/// Under axum it is an extractor, which never refuses: [`accept`](Self::accept) answers a request that is wrong. Under
/// bare hyper 1:
///
/// ```no_run
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use hyper::{Request, Response, body::Incoming};
/// use rtbroadcaster::{Manager, Permit, Upgrade};
///
/// async fn handle(manager: &Manager, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
///     match Upgrade::new(&mut request) {
///         Ok(upgrade) => upgrade.accept(manager, Permit::anything()).await,
///         Err(error) => error.answer(manager),
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Upgrade(Result<Offer, UpgradeError>);

/// A lawful handshake, and the connection that it came over.
#[derive(Debug)]
struct Offer {
    handshake: handshake::UpgradeRequest,
    /// The page that the request comes from; `None` if any page may connect.
    page: Option<Result<Page, OriginError>>,
    /// The headers by which the page may be refused.
    claim: Option<Box<Claim>>,
    socket: OnUpgrade,
    /// The function that takes the plain TCP socket out of the upgraded connection.
    take: TakeSocket,
    /// Whether the listener has set the socket's options.
    tuned: Option<Tuned>,
    accepted: Instant,
    peer: Option<SocketAddr>,
}

/// Why a request does not become a WebSocket connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// It is not the handshake of RFC 6455: 400, 405 or 426.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// It comes from a page of another host: 403.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The web server cannot give the connection away: 400.
    #[error("this connection cannot be upgraded")]
    NotUpgradable,
    /// There are too many connections, or this address opens them too fast: 429.
    #[error("too many connections, try again soon")]
    TooManyConnections,
    /// The manager is shutting down: 503.
    #[error("the server is going away, try again soon")]
    ShuttingDown,
}

impl UpgradeError {
    /// Returns the answer's status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Handshake(error) => error.status(),
            Self::Origin(_) => StatusCode::FORBIDDEN,
            Self::NotUpgradable => StatusCode::BAD_REQUEST,
            Self::TooManyConnections => StatusCode::TOO_MANY_REQUESTS,
            Self::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns the word by which refusals are counted, see
    /// [`Metrics::upgrade_refusals`](crate::Metrics::upgrade_refusals).
    ///
    /// ```
    /// use rtbroadcaster::UpgradeError;
    ///
    /// assert_eq!(UpgradeError::TooManyConnections.word(), "too_many_connections");
    /// assert_ne!(UpgradeError::ShuttingDown.word(), UpgradeError::NotUpgradable.word());
    /// ```
    pub const fn word(self) -> &'static str {
        match self {
            Self::Handshake(_) => "handshake",
            Self::Origin(_) => "origin",
            Self::NotUpgradable => "not_upgradable",
            Self::TooManyConnections => "too_many_connections",
            Self::ShuttingDown => "shutting_down",
        }
    }

    /// Counts it among the answers of `manager`.
    pub(crate) fn counted(self, manager: &Manager) -> Self {
        manager.server().counters().refused_upgrade(self.word());
        self
    }

    /// Returns the answer, and counts it among those of `manager`.
    ///
    /// ```
    /// use rtbroadcaster::{Config, Manager, UpgradeError};
    ///
    /// let manager = Manager::new(Config::default());
    /// let response: http::Response<String> = UpgradeError::NotUpgradable.answer(&manager);
    /// assert_eq!(response.status(), 400);
    /// assert!(manager.metrics().upgrade_refusals.contains(&("not_upgradable", 1)));
    /// ```
    pub fn answer<B: From<String>>(self, manager: &Manager) -> http::Response<B> {
        self.counted(manager).into_response()
    }

    /// Returns the answer: one line of text that echoes nothing of the request.
    pub fn into_response<B: From<String>>(self) -> http::Response<B> {
        let mut response = http::Response::new(B::from(format!("{self}\n")));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        if let Self::Handshake(error) = self {
            *headers = error.headers();
        }
        if matches!(self, Self::ShuttingDown | Self::TooManyConnections) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }
}

impl Upgrade {
    /// Takes what is needed out of `request`.
    ///
    /// # Errors
    /// [`UpgradeError`] if it is not a valid handshake (RFC 6455 section 4.2.1) or its connection cannot be upgraded.
    pub fn new<B>(request: &mut http::Request<B>) -> Result<Self, UpgradeError> {
        let (method, version) = (request.method().clone(), request.version());
        let headers = std::mem::take(request.headers_mut());
        let offer = Offer::from_parts(&method, version, &headers, request.extensions_mut());
        *request.headers_mut() = headers;
        Ok(Self(Ok(offer?)))
    }

    /// Takes what is needed out of the parts of a request, or keeps the reason why it cannot.
    #[cfg(feature = "axum")]
    pub(crate) fn of(parts: &mut http::request::Parts) -> Self {
        Self(Offer::from_parts(&parts.method, parts.version, &parts.headers, &mut parts.extensions))
    }

    /// Returns the error with which the request will be answered in any case, if it is no handshake.
    pub fn error(&self) -> Option<UpgradeError> {
        self.0.as_ref().err().copied()
    }

    /// Takes pages of any origin. For applications that check the origin themselves, or admit every page: without a
    /// check, every page that a viewer visits can speak with the viewer's cookies.
    #[must_use]
    pub fn from_any_origin(self) -> Self {
        Self(self.0.map(|offer| Offer { page: None, claim: None, ..offer }))
    }

    /// Has `take` unwrap the plain TCP socket, for a web server that gives hyper a stream of its own type. A message is
    /// then written to the socket directly. The client's task writes to a stream that nothing unwraps, which costs a
    /// wake-up for each message.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use hyper::upgrade::Upgraded;
    /// use hyper_util::rt::TokioIo;
    /// use tokio::net::TcpStream;
    ///
    /// /// The web server's own stream.
    /// struct Counted(TokioIo<TcpStream>);
    /// # impl hyper::rt::Read for Counted {
    /// #     fn poll_read(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>, buffer: hyper::rt::ReadBufCursor<'_>)
    /// #         -> std::task::Poll<std::io::Result<()>> { std::pin::Pin::new(&mut self.0).poll_read(cx, buffer) }
    /// # }
    /// # impl hyper::rt::Write for Counted {
    /// #     fn poll_write(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>, bytes: &[u8])
    /// #         -> std::task::Poll<std::io::Result<usize>> { std::pin::Pin::new(&mut self.0).poll_write(cx, bytes) }
    /// #     fn poll_flush(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>)
    /// #         -> std::task::Poll<std::io::Result<()>> { std::pin::Pin::new(&mut self.0).poll_flush(cx) }
    /// #     fn poll_shutdown(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>)
    /// #         -> std::task::Poll<std::io::Result<()>> { std::pin::Pin::new(&mut self.0).poll_shutdown(cx) }
    /// # }
    ///
    /// fn unwrap(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    ///     upgraded.downcast::<Counted>().map(|parts| (parts.io.0.into_inner(), parts.read_buf))
    /// }
    ///
    /// # fn handle(mut request: http::Request<()>) -> Result<(), rtbroadcaster::UpgradeError> {
    /// let upgrade = rtbroadcaster::Upgrade::new(&mut request)?.unwrapped_by(unwrap);
    /// # drop(upgrade);
    /// # Ok(()) }
    /// # assert!(handle(http::Request::new(())).is_err(), "no handshake");
    /// ```
    #[must_use]
    pub fn unwrapped_by(self, take: fn(Upgraded) -> Result<(TcpStream, Bytes), Upgraded>) -> Self {
        Self(self.0.map(|offer| Offer { take, ..offer }))
    }

    /// Answers the request, and serves the client with what `permit` allows as soon as the answer is written. `permit`
    /// is [`Rights`](crate::Rights), a [`Grant`](crate::Grant), or a [`Permit`]. While thousands of requests come at
    /// once, they are answered in small groups, between which everything else runs.
    ///
    /// A page may connect to the host that it came from, to [`public_url`](crate::Config::public_url), and when its
    /// origin is in [`allow_origins`](crate::Config::allow_origins). Any other is refused with 403, unless
    /// [`from_any_origin`](Self::from_any_origin) was called. A client that sends no `Origin` is no page. While the
    /// manager shuts down the answer is 503. A request that is no handshake is answered with 400, 405 or 426. The
    /// manager counts all of these, see [`Metrics::upgrade_refusals`](crate::Metrics::upgrade_refusals).
    pub async fn accept<B: Default + From<String>>(
        self,
        manager: &Manager,
        permit: impl Into<Permit>,
    ) -> http::Response<B> {
        let (server, permit) = (manager.server(), permit.into());
        server.turn_of_handshake().await;
        let offer = match self.0 {
            Ok(offer) => offer,
            Err(error) => return error.answer(manager),
        };
        let slot = match offer.admit(server) {
            Ok(slot) => slot,
            Err(error) => {
                // One line a second for each kind of refusal: peers that are refused must not fill the log.
                let kind = error.status().canonical_reason().unwrap_or_default();
                if let Some(unsaid) = server.sampling().count(kind, std::time::Instant::now()) {
                    let address = offer.peer.map(|peer| tracing::field::display(peer.ip().to_canonical()));
                    let claim = offer.claim.filter(|_| matches!(error, UpgradeError::Origin(_)));
                    let (origin, host) = claim.map(|claim| (claim.origin, claim.host)).unzip();
                    let allowed = origin.is_some().then(|| origin::cut(server.origins()));
                    tracing::info!(%error, origin, host, allowed, address, unsaid, "upgrade refused");
                }
                return error.answer(manager);
            }
        };
        let dialect = protocol::choose(|name| offer.handshake.offers(name));
        let response = handshake::response(&offer.handshake, dialect.name);
        let server = Arc::clone(server);
        tokio::spawn(async move {
            match offer.socket.await {
                Ok(upgraded) => {
                    let (socket, first) = socket_of(upgraded, offer.take, offer.tuned, server.config());
                    Client::serve(&server, socket, &first, dialect, permit, offer.accepted, slot);
                }
                Err(error) => tracing::debug!(%error, "the connection ended before it was upgraded"),
            }
        });
        response.map(|()| B::default())
    }
}

impl Offer {
    fn from_parts(
        method: &Method,
        version: Version,
        headers: &HeaderMap,
        extensions: &mut Extensions,
    ) -> Result<Self, UpgradeError> {
        let handshake = handshake::check(method, version, headers)?;
        let page = origin::page(headers);
        let claim = (!matches!(page, Ok(Page::None | Page::SameHost))).then(|| Box::new(Claim::of(headers)));
        let page = Some(page);
        let arrival = extensions.get::<Arrival>();
        let accepted = arrival.map_or_else(Instant::now, |arrival| arrival.accepted);
        let peer = arrival.map(|arrival| arrival.peer);
        let socket = extensions.remove::<OnUpgrade>().ok_or(UpgradeError::NotUpgradable)?;
        let tuned = extensions.get::<Tuned>().copied();
        Ok(Self { handshake, page, claim, socket, take: take_back, tuned, accepted, peer })
    }

    /// Admits this connection, or returns why the server does not take it.
    fn admit(&self, server: &Server) -> Result<ConnectionSlot, UpgradeError> {
        if server.is_drained() {
            return Err(UpgradeError::ShuttingDown);
        }
        if let Some(page) = &self.page {
            page.as_ref().map_err(|error| *error)?.check(server.origins())?;
        }
        server.admit(self.peer).map_err(|TooMany| UpgradeError::TooManyConnections)
    }
}

#[cfg(test)]
mod tests;
