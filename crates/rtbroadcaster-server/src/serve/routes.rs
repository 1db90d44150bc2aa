//! Which path is answered by what.
//! Must not know connections.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{any, get};
use rtbroadcaster::Manager;

use super::gate::{self, Gate};
use super::hosts::{self, Hosts};
use crate::endpoint::{Endpoint, HEALTHZ, READYZ};
use crate::page;

/// The server's whole site.
pub(super) fn router(path: &Endpoint, manager: Manager, hosts: Hosts) -> Router {
    let nothing_here = format!("there is nothing here; the WebSocket endpoint is {path}\n");
    let paced = middleware::from_fn_with_state(Gate::default(), gate::keep);
    Router::new()
        .route(path.as_ref(), any(rtbroadcaster::axum::serve).layer(paced))
        .route(HEALTHZ, get("ok"))
        .route(READYZ, get(readyz))
        .with_state(manager)
        .merge(page::routes(path.as_ref()))
        .fallback((StatusCode::NOT_FOUND, nothing_here))
        .layer(middleware::from_fn_with_state(hosts, hosts::guard))
}

/// Whether new clients should be sent here.
async fn readyz(State(manager): State<Manager>) -> (StatusCode, &'static str) {
    if manager.is_shutting_down() {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down")
    } else {
        (StatusCode::OK, "ready")
    }
}
