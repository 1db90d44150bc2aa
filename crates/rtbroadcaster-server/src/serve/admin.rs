//! The address for whoever runs the server: the numbers that Prometheus collects, and whether the server is well.
//! Must not know rooms, nor what the numbers mean.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rtbroadcaster::Manager;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::arrivals::Arrivals;
use super::connection;
use super::hosts::Hosts;
use super::listener::{ListenError, Listener};
use super::site::{self, Site};
use crate::metrics::{self, Source};
use crate::settings::Settings;

/// The flag that chooses the address.
const FLAG: &str = "--admin-listen";

/// The address, and what is served there.
pub(super) struct Admin {
    listener: Listener,
    site: Site,
}

impl Admin {
    /// Listens, if the settings say where.
    pub(super) fn bind(settings: &Settings, manager: &Manager, source: Source) -> Result<Option<Self>, ListenError> {
        let Some(address) = settings.admin_listen else { return Ok(None) };
        let listener = Listener::bind(address, FLAG)?;
        let hosts = Hosts::of(listener.address(), &settings.allow_hosts);
        let routes = Router::new()
            .route("/metrics", get(tell))
            .with_state(source)
            .merge(site::health(manager))
            .fallback((StatusCode::NOT_FOUND, "there is nothing here; the metrics are at /metrics\n"));
        Ok(Some(Self { listener, site: Site::of(routes, hosts) }))
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Serves until `stop`.
    pub(super) async fn serve(mut self, connections: TaskTracker, stop: CancellationToken) {
        let arrivals = Arc::new(Arrivals::direct());
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                accepted = self.listener.accept() => {
                    connections.spawn(connection::serve(accepted, Arc::clone(&arrivals), self.site.clone(), stop.clone()));
                }
            }
        }
    }
}

async fn tell(State(source): State<Source>) -> Response {
    // Not on a thread that has rooms to serve: with 20 000 open files it takes milliseconds.
    match tokio::task::spawn_blocking(move || metrics::tell(&source)).await {
        Ok(text) => ([(CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
