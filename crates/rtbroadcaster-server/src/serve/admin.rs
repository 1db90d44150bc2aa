//! The admin address: the metrics for Prometheus, and the health checks.
//! Must not know rooms, nor what the metrics mean.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rtbroadcaster::{Config, Limit, Manager};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::arrivals::Arrivals;
use super::connection::ConnectionServer;
use super::hosts::Hosts;
use super::listener::ListenError;
use super::listeners::BoundListeners;
use super::site::{self, Site};
use super::sockets::{SocketLimits, Sockets};
use crate::metrics::{self, MetricsSource};
use crate::settings::Settings;

/// The limits of connections to this address. The reserve of open files covers them.
const LIMITS: SocketLimits = SocketLimits { all: Limit::Max(56), beyond: 8, per_address: Limit::None };

/// The flag that sets the address.
const FLAG: &str = "--admin-listen";

/// The listeners of the admin address, and the site that they serve.
pub(super) struct Admin {
    listeners: BoundListeners,
    site: Site,
}

impl Admin {
    /// Listens on the admin address; `None` if it is not set.
    pub(super) async fn bind(
        settings: &Settings,
        manager: &Manager,
        source: MetricsSource,
    ) -> Result<Option<Self>, ListenError> {
        let Some(address) = &settings.admin_listen else { return Ok(None) };
        let listeners = BoundListeners::bind(std::slice::from_ref(address), FLAG).await?;
        let routes = Router::new()
            .route("/metrics", get(serve_metrics))
            .with_state(source)
            .merge(site::health(manager))
            .fallback((StatusCode::NOT_FOUND, "there is nothing here; the metrics are at /metrics\n"));
        Ok(Some(Self { listeners, site: Site::of(routes) }))
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.addresses()
    }

    /// Serves until `stop`.
    pub(super) fn serve(
        self,
        hosts: impl Fn(SocketAddr) -> Hosts,
        config: &Arc<Config>,
        keep_alive: Duration,
        connections: &TaskTracker,
        stop: &CancellationToken,
    ) {
        let arrivals = Arc::new(Arrivals::direct());
        let server =
            ConnectionServer { arrivals, site: self.site, config: Arc::clone(config), keep_alive, stop: stop.clone() };
        self.listeners.serve(&server, hosts, &Sockets::new(LIMITS, None), connections);
    }
}

async fn serve_metrics(State(source): State<MetricsSource>) -> Response {
    // Not on a thread that serves rooms: with 20 000 open files it takes milliseconds.
    match tokio::task::spawn_blocking(move || metrics::render(&source)).await {
        Ok(text) => ([(CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
