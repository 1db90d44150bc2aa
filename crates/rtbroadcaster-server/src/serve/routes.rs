//! What is answered under which path.
//! Must not know sockets.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{any, get};
use rtbroadcaster::Manager;

use super::hosts::{self, Hosts};
use crate::settings::UrlPath;

/// Paths that the WebSocket endpoint cannot have.
pub(crate) const RESERVED_PATHS: [&str; 2] = ["/healthz", "/readyz"];

/// The server's paths, with the WebSocket endpoint at `path`.
pub(super) fn router(path: &UrlPath, manager: Manager, hosts: Hosts) -> Router {
    Router::new()
        .route(path.as_str(), any(rtbroadcaster::axum::serve))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .fallback(async || (StatusCode::NOT_FOUND, "nothing here\n"))
        .layer(middleware::from_fn_with_state(hosts, hosts::guard))
        .with_state(manager)
}

/// Whether new clients are welcome.
async fn ready(State(manager): State<Manager>) -> (StatusCode, &'static str) {
    if manager.is_shutting_down() { (StatusCode::SERVICE_UNAVAILABLE, "ending\n") } else { (StatusCode::OK, "ready\n") }
}
