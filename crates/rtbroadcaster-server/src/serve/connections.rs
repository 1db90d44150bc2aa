//! Accepts connections and speaks HTTP/1 on each until it is upgraded or ends.
//! Must not know rooms, nor what is under which path.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rtbroadcaster::Arrival;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a request's headers may take, the first ones from the accept.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(5);
/// How many bytes and fields of headers a request may have; more are answered with 431.
const HEADER_BYTES_MAX: usize = 16 * 1024;
const HEADER_FIELDS_MAX: usize = 64;
/// How long accepting rests when it fails, as it does when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often such failures are logged.
const ACCEPT_LOG_INTERVAL: Duration = Duration::from_secs(1);

/// Accepts connections and serves each on a task of `connections`, until `ending`.
pub(super) async fn accept(listener: TcpListener, router: Router, ending: CancellationToken, connections: TaskTracker) {
    let mut failures = Failures::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ending.cancelled() => return,
        };
        match accepted {
            Ok((socket, peer)) => _ = connections.spawn(serve(socket, peer, router.clone(), ending.clone())),
            Err(error) => {
                failures.log(&error);
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Failures to accept, told now and then.
#[derive(Default)]
struct Failures {
    logged: Option<Instant>,
    /// How many since the last line.
    count: u64,
}

impl Failures {
    fn log(&mut self, error: &io::Error) {
        self.count += 1;
        if self.logged.is_none_or(|logged| logged.elapsed() >= ACCEPT_LOG_INTERVAL) {
            tracing::warn!(%error, count = self.count, "connections not accepted");
            *self = Self { logged: Some(Instant::now()), count: 0 };
        }
    }
}

async fn serve(socket: TcpStream, peer: SocketAddr, router: Router, ending: CancellationToken) {
    let requests = Requests::new(router, peer);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX)
        .max_headers(HEADER_FIELDS_MAX)
        .serve_connection(TokioIo::new(socket), requests)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// The requests of one connection. The first one counts from the accept, since it is what the client came for; later
/// ones count from their own beginning.
struct Requests {
    router: TowerToHyperService<Router>,
    peer: SocketAddr,
    accepted: Instant,
    is_first: AtomicBool,
}

impl Requests {
    fn new(router: Router, peer: SocketAddr) -> Self {
        let accepted = Instant::now();
        Self { router: TowerToHyperService::new(router), peer, accepted, is_first: AtomicBool::new(true) }
    }
}

impl Service<Request<Incoming>> for Requests {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let is_first = self.is_first.swap(false, Ordering::Relaxed);
        let accepted = if is_first { self.accepted } else { Instant::now() };
        request.extensions_mut().insert(Arrival { accepted, peer: self.peer });
        self.router.call(request)
    }
}
