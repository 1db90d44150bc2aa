//! Under axum: a ready handler, and an extractor for applications with rules of their own.
//! Must not know more than the upgrade.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use crate::manager::Manager;
use crate::rights::Permit;
use crate::upgrade::Arrival;
pub use crate::upgrade::{Upgrade, UpgradeError};

/// Serves every client as the ready handler: it may create rooms, and join those whose name it knows.
///
/// ```
/// use axum::{Router, routing::any};
/// use rtbroadcaster::{Config, Manager};
///
/// let manager = Manager::new(Config::default());
/// let app: Router = Router::new().route("/broadcasting", any(rtbroadcaster::axum::handler)).with_state(manager);
/// ```
///
/// While thousands of requests come at once, they are answered in small groups, between which everything else runs.
///
/// A request that is no WebSocket handshake is answered with 400, 405 or 426, one from a page of another host with 403.
pub async fn handler(State(manager): State<Manager>, upgrade: Upgrade) -> Response {
    upgrade.accept(&manager, Permit::anything()).await
}

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        if let Some(peer) = peer
            && parts.extensions.get::<Arrival>().is_none()
        {
            parts.extensions.insert(Arrival::now(peer));
        }
        Ok(Self::of(parts))
    }
}

impl IntoResponse for UpgradeError {
    fn into_response(self) -> Response {
        UpgradeError::into_response(self)
    }
}
