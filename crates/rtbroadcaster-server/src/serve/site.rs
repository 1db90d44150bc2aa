//! Which path of an address is answered by what.
//! Must not know connections.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use axum::response::Response;
use axum::routing::{get, options};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper::upgrade::Upgraded;
use hyper_util::service::TowerToHyperService;
use rtbroadcaster::{LogStatus, Manager, Permit, Upgrade, UpgradeError};
use tokio::net::TcpStream;

use super::hosts::Hosts;
use super::watched::Watched;
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

    /// The whole site of a server that listens on `port`, under any name.
    pub(super) fn new(path: &Endpoint, port: u16, manager: Manager) -> Self {
        let nothing_here = format!("there is nothing here; the WebSocket endpoint is {path}\n");
        let routes = health(&manager)
            // What HAProxy asks by default whether it may send clients here.
            .merge(Router::new().route("/", options(readyz)).with_state(manager.clone()))
            .merge(page::routes(path.as_ref(), port))
            .fallback((StatusCode::NOT_FOUND, nothing_here));
        let door = Door { path: path.clone(), manager };
        Self { door: Some(Arc::new(door)), ..Self::of(routes) }
    }

    /// Answers a request. Without `may_upgrade` there is no place for another WebSocket connection.
    pub(super) async fn answer(&self, mut request: Request<Incoming>, may_upgrade: bool) -> Response {
        if let Some(refusal) = self.hosts.refuse(request.version(), request.headers()) {
            return refusal;
        }
        let Some(door) = self.door.as_ref().filter(|door| request.uri().path() == door.path.as_ref()) else {
            let Ok(answer) = self.routes.call(request).await;
            return answer;
        };
        let error = match Upgrade::new(&mut request) {
            Ok(upgrade) if may_upgrade => {
                return upgrade.unwrapped_by(unwrap).accept(&door.manager, Permit::anything()).await;
            }
            Ok(_) => UpgradeError::TooManyConnections,
            Err(error) => error,
        };
        error.answer(&door.manager)
    }
}

/// Takes the socket out of a connection that is served here.
fn unwrap(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    upgraded.downcast::<Watched>().map(|parts| (parts.io.into_inner(), parts.read_buf))
}

/// Whether the process answers, and whether new clients should be sent to it.
pub(super) fn health(manager: &Manager) -> Router {
    // For pages of any origin: one that finds no WebSocket can ask whether there is a server, and a browser that guards the
    // local network asks its user then (docs/local-network.md). It tells nothing that the handshake does not.
    let alive = get(([(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], "ok"));
    Router::new().route(HEALTHZ, alive).route(READYZ, get(readyz)).with_state(manager.clone())
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
