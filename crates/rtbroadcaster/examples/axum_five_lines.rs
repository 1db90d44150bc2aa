//! Rooms in an axum application: each client may create one, and join those whose id it knows.
//!
//! `cargo run -p rtbroadcaster --example axum_five_lines [ADDRESS]`

use axum::{Router, routing::any};
use rtbroadcaster::{Config, Manager};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on ws://{}/broadcasting", listener.local_addr()?);

    // One manager holds all rooms. Clone it to whatever needs it: every clone is the same manager.
    let manager = Manager::new(Config::default());
    let app = Router::new().route("/broadcasting", any(rtbroadcaster::axum::handler)).with_state(manager);
    axum::serve(listener, app).await
}
