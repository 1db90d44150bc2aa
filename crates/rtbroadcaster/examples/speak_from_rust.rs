//! A Rust program that owns a room and publishes in it; all clients only watch.
//!
//! `cargo run -p rtbroadcaster --example speak_from_rust [ADDRESS]`

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::{Router, routing::any};
use rtbroadcaster::{Config, Manager, Message, Owner, Permit, PublishError, Upgrade};

async fn watch(State(manager): State<Manager>, upgrade: Upgrade) -> Response {
    upgrade.accept(&manager, Permit::viewer()).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on ws://{}/broadcasting", listener.local_addr()?);

    let manager = Manager::new(Config::default());
    // The right to speak is a value: the room has no other speaker as long as this one lives.
    let owner = manager.create_room().await?;
    println!("room {}", owner.room());

    let app = Router::new().route("/broadcasting", any(watch)).with_state(manager);
    tokio::select! {
        served = axum::serve(listener, app) => Ok(served?),
        said = speak(owner) => Ok(said?),
    }
}

async fn speak(owner: Owner) -> Result<(), PublishError> {
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    for count in 0_u64.. {
        tick.tick().await;
        // A state: a late viewer begins with the newest value.
        owner.publish(Message::state("count", [count])).await?;
    }
    Ok(())
}
