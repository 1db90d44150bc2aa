//! An axum application with rules of its own: who may do what is data, a [`Permit`] decided before the upgrade.
//!
//! Presenters open rooms by a key, `?key=...`. Viewers get a link to one room, `?room=...`, and can watch no other.
//! Other requests get 401.
//!
//! `PRESENTER_KEY=... cargo run -p rtbroadcaster --example axum_auth [ADDRESS]`

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::any};
use rtbroadcaster::{Config, Manager, Permit, RoomId, Upgrade};
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Clone)]
struct App {
    manager: Manager,
    presenter_key: String,
}

#[derive(Deserialize)]
struct Credentials {
    key: Option<String>,
    room: Option<String>,
}

/// The rule of this application. Yours may look at a cookie, a header or a database instead.
fn permit(app: &App, credentials: &Credentials) -> Option<Permit> {
    if let Some(key) = &credentials.key {
        // Digests, so that the time of the comparison says nothing about the key.
        return (Sha256::digest(key) == Sha256::digest(&app.presenter_key)).then(Permit::owner);
    }
    let room: RoomId = credentials.room.as_ref()?.parse().ok()?;
    Some(Permit::viewer_of(room))
}

async fn broadcasting(State(app): State<App>, Query(credentials): Query<Credentials>, upgrade: Upgrade) -> Response {
    match permit(&app, &credentials) {
        Some(permit) => upgrade.accept(&app.manager, permit).await,
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let presenter_key = std::env::var("PRESENTER_KEY").unwrap_or_default();
    if presenter_key.is_empty() {
        return Err("set PRESENTER_KEY to the presenters' key".into());
    }
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on ws://{}/broadcasting", listener.local_addr()?);

    let app = App { manager: Manager::new(Config::default()), presenter_key };
    let router = Router::new().route("/broadcasting", any(broadcasting)).with_state(app);
    Ok(axum::serve(listener, router).await?)
}
