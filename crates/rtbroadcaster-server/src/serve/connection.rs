//! One connection while it speaks HTTP: until it closes or becomes a WebSocket.
//! Must not know what the requests ask for.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use rtbroadcaster::{Arrival, Config, Tuned, tune};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::arrivals::Arrivals;
use super::listener::Accepted;
use super::monitored::{HEAD, MonitoredStream, StreamMonitor};
use super::site::Site;
use super::sockets::{CountedSocket, TooManySockets, WaitReason};

/// The most bytes and fields in a request's head; more get 431.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;

/// The most requests of one connection; the last response has `Connection: close`.
const REQUESTS_MAX: u32 = 1_000;

/// The parts and settings that all connections of a listener share.
#[derive(Debug, Clone)]
pub(super) struct ConnectionServer {
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) site: Site,
    /// The configuration with the socket options.
    pub(super) config: Arc<Config>,
    /// How long a connection may be idle after a response.
    pub(super) keep_alive: Duration,
    /// After its cancellation, connections close with the response that is pending.
    pub(super) stop: CancellationToken,
}

/// Serves a connection until it closes, becomes a WebSocket, misses a deadline, is displaced by another connection, or
/// has answered its last request after `stop`.
pub(super) async fn serve(accepted: Accepted, counted: CountedSocket, server: ConnectionServer) {
    let ConnectionServer { arrivals, site, config, keep_alive, stop } = server;
    // Before the first wait for the peer.
    let tuned = tune(&accepted.socket, &config);
    let peer = tokio::select! {
        biased;
        peer = arrivals.peer(&accepted, accepted.at + HEAD) => peer,
        () = counted.closed() => None,
        () = stop.cancelled() => None,
    };
    let Some(peer) = peer else { return };
    let monitor = StreamMonitor::new(accepted.at, keep_alive);
    let requests = AtomicU32::new(0);
    let answer = service_fn(|request: Request<Incoming>| {
        monitor.asked();
        let number = requests.fetch_add(1, Ordering::Relaxed);
        // The deadlines of the first request count from the accept, those of a later one from its own start.
        let since = if number == 0 { accepted.at } else { Instant::now() };
        let answer = answer(request, peer, since, tuned, &arrivals, &site, &counted);
        let monitor = &monitor;
        async move {
            let mut answer = answer.await;
            monitor.answered();
            if number + 1 >= REQUESTS_MAX {
                answer.headers_mut().insert(CONNECTION, const { HeaderValue::from_static("close") });
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(MonitoredStream::new(accepted.socket, monitor.clone()), answer)
        .with_upgrades();
    let mut connection = pin!(connection);
    let (mut closed, mut stopped) = (pin!(counted.closed()), pin!(stop.cancelled()));
    let mut deadline = pin!(tokio::time::sleep_until(monitor.deadline()));
    let mut is_stopping = false;
    let ended = poll_fn(|cx| {
        if !is_stopping && stopped.as_mut().poll(cx).is_ready() {
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(Some(ended));
        }
        if monitor.has_become_idle() {
            counted.wait(WaitReason::Idle);
        }
        if closed.as_mut().poll(cx).is_ready() || (is_stopping && monitor.is_blocked()) {
            return Poll::Ready(None);
        }
        let until = monitor.deadline();
        if deadline.deadline() != until {
            deadline.as_mut().reset(until);
        }
        deadline.as_mut().poll(cx).map(|()| None)
    })
    .await;
    match ended {
        // Caused by the peer: a malformed head, or a reset.
        Some(Err(error)) => tracing::debug!(%error, "connection ended with an error"),
        Some(Ok(())) => {}
        None => tracing::debug!("connection closed: it missed a deadline, or was displaced by another one"),
    }
}

/// Answers a request on the connection of `peer`, whose socket options are set.
async fn answer(
    mut request: Request<Incoming>,
    peer: SocketAddr,
    since: Instant,
    tuned: Tuned,
    arrivals: &Arrivals,
    site: &Site,
    counted: &CountedSocket,
) -> Response {
    // For each request: a proxy may send requests of several clients on one connection.
    let client = arrivals.client(peer, request.headers());
    if counted.start_request(arrivals.counted(client)).is_err() {
        return too_many(TooManySockets);
    }
    request.extensions_mut().insert(Arrival::at(since, client));
    request.extensions_mut().insert(tuned);
    site.answer(request, counted.may_upgrade()).await
}

/// Returns the response 429 for a client that has too many connections.
fn too_many(TooManySockets: TooManySockets) -> Response {
    let later = [(RETRY_AFTER, "1")];
    (StatusCode::TOO_MANY_REQUESTS, later, "too many connections from this address, try again soon\n").into_response()
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use axum::Router;
    use socket2::SockRef;
    use tokio::net::{TcpListener, TcpStream};

    use super::super::sockets::{SocketLimits, Sockets};
    use rtbroadcaster::Limit;

    use super::*;

    #[tokio::test]
    async fn options_are_set_before_a_client_says_anything() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, peer) = listener.accept().await.unwrap();
        let same = SockRef::from(&socket).try_clone().unwrap();
        assert!(!same.tcp_nodelay().unwrap());
        let config = Arc::new(Config { stall_timeout: Limit::Max(Duration::from_secs(1)), ..Config::default() });
        let site = Site::of(Router::new());
        let stop = CancellationToken::new();
        let server = ConnectionServer { arrivals: Arc::new(Arrivals::direct()), site, config, keep_alive: HEAD, stop };
        let counted = Sockets::new(SocketLimits { all: Limit::None, beyond: 0, per_address: Limit::None }, None)
            .enter(None)
            .unwrap();
        let served = tokio::spawn(serve(Accepted { socket, peer, at: Instant::now() }, counted, server));
        while !same.tcp_nodelay().unwrap() {
            assert!(!served.is_finished());
            tokio::task::yield_now().await;
        }
        assert_eq!(same.tcp_user_timeout().unwrap(), Some(Duration::from_secs(21)));
        drop(silent);
        served.await.unwrap();
    }
}
