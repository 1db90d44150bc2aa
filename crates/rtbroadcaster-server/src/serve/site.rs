//! Which path of an address is answered by what.
//! Must not know connections.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, options};
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
    /// A site of pages only, under any name.
    pub(super) fn of(routes: Router) -> Self {
        Self { hosts: Hosts::Any, door: None, routes: TowerToHyperService::new(routes) }
    }

    /// The same site under the names that `hosts` allows.
    pub(super) fn under(&self, hosts: Hosts) -> Self {
        Self { hosts, ..self.clone() }
    }

    /// The server's whole site, under any name.
    pub(super) fn new(path: &Endpoint, manager: Manager) -> Self {
        let nothing_here = format!("there is nothing here; the WebSocket endpoint is {path}\n");
        let routes = Router::new()
            .route(HEALTHZ, get("ok"))
            .route(READYZ, get(readyz))
            // What HAProxy asks by default whether it may send clients here.
            .route("/", options(readyz))
            .with_state(manager.clone())
            .merge(page::routes(path.as_ref()))
            .fallback((StatusCode::NOT_FOUND, nothing_here));
        let door = Door { path: path.clone(), manager };
        Self { door: Some(Arc::new(door)), ..Self::of(routes) }
    }

    /// Answers a request.
    pub(super) async fn answer(&self, mut request: Request<Incoming>) -> Result<Response, Infallible> {
        if let Some(refusal) = self.hosts.refuse(request.version(), request.headers()) {
            return Ok(refusal);
        }
        let Some(door) = self.door.as_ref().filter(|door| request.uri().path() == door.path.as_ref()) else {
            return self.routes.call(request).await;
        };
        Ok(rtbroadcaster::axum::serve(State(door.manager.clone()), Upgrade::new(&mut request)).await)
    }
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
