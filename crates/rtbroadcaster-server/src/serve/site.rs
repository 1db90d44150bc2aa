//! Which path of an address is answered by what.
//! Must not know connections.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use rtbroadcaster::axum::Upgrade;
use rtbroadcaster::{LogStatus, Manager};

use super::hosts::Hosts;
use crate::endpoint::{Endpoint, HEALTHZ, READYZ};
use crate::page;

/// All that an address answers.
#[derive(Debug, Clone)]
pub(super) struct Site {
    hosts: Hosts,
    /// The WebSocket endpoint, if it has one. Before the routes, since a router makes a join dearer by a twentieth.
    door: Option<Arc<Door>>,
    routes: TowerToHyperService<Router>,
}

/// A WebSocket endpoint.
#[derive(Debug)]
struct Door {
    path: Endpoint,
    manager: Manager,
}

impl Site {
    /// A site of pages only.
    pub(super) fn of(routes: Router, hosts: Hosts) -> Self {
        Self { hosts, door: None, routes: TowerToHyperService::new(routes) }
    }

    /// The whole site of a server that listens on `port`.
    pub(super) fn new(path: &Endpoint, port: u16, manager: Manager, hosts: Hosts) -> Self {
        let nothing_here = format!("there is nothing here; the WebSocket endpoint is {path}\n");
        let routes =
            health(&manager).merge(page::routes(path.as_ref(), port)).fallback((StatusCode::NOT_FOUND, nothing_here));
        let door = Door { path: path.clone(), manager };
        Self { door: Some(Arc::new(door)), ..Self::of(routes, hosts) }
    }

    /// Answers a request.
    pub(super) async fn answer(&self, mut request: Request<Incoming>) -> Result<Response, Infallible> {
        if let Some(refusal) = self.hosts.refuse(request.headers()) {
            return Ok(refusal);
        }
        let Some(door) = self.door.as_ref().filter(|door| request.uri().path() == door.path.as_ref()) else {
            return self.routes.call(request).await;
        };
        Ok(rtbroadcaster::axum::serve(State(door.manager.clone()), Upgrade::new(&mut request)).await)
    }
}

/// Whether the process answers, and whether new clients should be sent to it.
pub(super) fn health(manager: &Manager) -> Router {
    Router::new().route(HEALTHZ, get("ok")).route(READYZ, get(readyz)).with_state(manager.clone())
}

/// Whether new clients should be sent here.
async fn readyz(State(manager): State<Manager>) -> (StatusCode, &'static str) {
    if manager.is_shutting_down() {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down")
    } else if manager.log_status() != LogStatus::Writable {
        (StatusCode::SERVICE_UNAVAILABLE, "rooms cannot be kept at the moment")
    } else {
        (StatusCode::OK, "ready")
    }
}
