//! Routes the requests of a listener: the WebSocket endpoint, the health checks and the pages.
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
use super::monitored::MonitoredStream;
use crate::endpoint::{Endpoint, HEALTHZ, READYZ};
use crate::page;

/// The responses of a listener.
#[derive(Debug, Clone)]
pub(super) struct Site {
    hosts: Hosts,
    /// The WebSocket endpoint, if there is one. Checked before the routes: through the router a join costs 5 % more.
    endpoint: Option<Arc<WsEndpoint>>,
    routes: TowerToHyperService<Router>,
}

/// A WebSocket endpoint.
#[derive(Debug)]
struct WsEndpoint {
    path: Endpoint,
    manager: Manager,
}

impl Site {
    /// Returns a site without a WebSocket endpoint, under any host name.
    pub(super) fn of(routes: Router) -> Self {
        Self { hosts: Hosts::Any, endpoint: None, routes: TowerToHyperService::new(routes) }
    }

    /// Returns the same site under the host names that `hosts` allows.
    pub(super) fn under(&self, hosts: Hosts) -> Self {
        Self { hosts, ..self.clone() }
    }

    /// Returns the whole site of a server that listens on `port`, under any host name.
    pub(super) fn new(path: &Endpoint, port: u16, manager: Manager) -> Self {
        let nothing_here = format!("there is nothing here; the WebSocket endpoint is {path}\n");
        let routes = health(&manager)
            // The default health check of HAProxy.
            .merge(Router::new().route("/", options(readyz)).with_state(manager.clone()))
            .merge(page::routes(path.as_ref(), port))
            .fallback((StatusCode::NOT_FOUND, nothing_here));
        let endpoint = WsEndpoint { path: path.clone(), manager };
        Self { endpoint: Some(Arc::new(endpoint)), ..Self::of(routes) }
    }

    /// Answers a request. Without `may_upgrade` a handshake is refused, since there are too many connections.
    pub(super) async fn answer(&self, mut request: Request<Incoming>, may_upgrade: bool) -> Response {
        if let Some(refusal) = self.hosts.refuse(request.version(), request.headers()) {
            return refusal;
        }
        let Some(endpoint) = self.endpoint.as_ref().filter(|endpoint| request.uri().path() == endpoint.path.as_ref())
        else {
            let Ok(answer) = self.routes.call(request).await;
            return answer;
        };
        let error = match Upgrade::new(&mut request) {
            Ok(upgrade) if may_upgrade => {
                return upgrade.unwrapped_by(unwrap).accept(&endpoint.manager, Permit::anything()).await;
            }
            Ok(_) => UpgradeError::TooManyConnections,
            Err(error) => error,
        };
        error.answer(&endpoint.manager)
    }
}

/// Takes the TCP socket out of an upgraded connection.
fn unwrap(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    upgraded.downcast::<MonitoredStream>().map(|parts| (parts.io.into_inner(), parts.read_buf))
}

/// Returns the routes of the health checks: whether the process answers, and whether it accepts new clients.
pub(super) fn health(manager: &Manager) -> Router {
    // Readable by pages of any origin: without a WebSocket a page can check whether the server runs, and the browser
    // asks its user for access to the local network (docs/local-network.md). It reveals no more than the handshake.
    let alive = get(([(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], "ok"));
    Router::new().route(HEALTHZ, alive).route(READYZ, get(readyz)).with_state(manager.clone())
}

/// Returns 200 if the server accepts new clients, else 503.
async fn readyz(State(manager): State<Manager>) -> (StatusCode, &'static str) {
    if manager.is_shutting_down() {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down")
    } else if manager.log_status() != LogStatus::Writable {
        (StatusCode::SERVICE_UNAVAILABLE, "rooms cannot be kept at the moment")
    } else {
        (StatusCode::OK, "ready")
    }
}
