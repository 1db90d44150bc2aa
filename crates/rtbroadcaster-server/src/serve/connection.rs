//! One connection as long as it speaks HTTP: to its end or to its upgrade.
//! Must not know what the requests ask for.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rtbroadcaster::Arrival;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::arrivals::Arrivals;
use super::listener::Accepted;
use super::site::Site;

/// How long a request's whole head may take, the first one's from the accept, with a PROXY header before it. An idle
/// connection is closed by the same clock, which begins anew after each answer.
const HEAD: Duration = Duration::from_secs(5);

/// The most that a request's head may hold; more is answered with 431.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;

/// Serves a connection until it ends, becomes a WebSocket, or has answered its last request after `stop`.
pub(super) async fn serve(accepted: Accepted, arrivals: Arc<Arrivals>, site: Site, stop: CancellationToken) {
    let peer = tokio::select! {
        biased;
        peer = arrivals.peer(&accepted, accepted.at + HEAD) => peer,
        () = stop.cancelled() => None,
    };
    let Some(peer) = peer else { return };
    // The first request is what the client came for, so its deadlines count from the accept; later ones have their own.
    let is_first = AtomicBool::new(true);
    let answer = service_fn(move |mut request: Request<Incoming>| {
        let since = if is_first.swap(false, Ordering::Relaxed) { accepted.at } else { Instant::now() };
        // Of each request: a proxy may send those of several clients by one connection.
        let peer = arrivals.client(peer, request.headers());
        request.extensions_mut().insert(Arrival { accepted: since, peer });
        let site = site.clone();
        async move { site.answer(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD.saturating_sub(accepted.at.elapsed()))
        .max_headers(HEADERS_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(accepted.socket), answer)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Its peer's doing: a head that was late or broken, or a reset.
        tracing::debug!(%error, "connection ended early");
    }
}
