//! The usual recipe for a broadcast in axum: a `tokio::sync::broadcast`, and for each connection a task that sends what
//! it receives from it. Must not know rooms.
//!
//! `relay-axum [ADDRESS]`

use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use axum::serve::ListenerExt;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::broadcast::{Sender, channel};

/// The number of messages that may wait for the slowest client.
const CAPACITY: usize = 1024;

/// A message and the number of its sender.
type RelayedMessage = (u64, Utf8Bytes);

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}/", listener.local_addr()?);
    let said: Sender<RelayedMessage> = channel(CAPACITY).0;
    let app = Router::new().route("/", any(upgrade)).with_state(said);
    // Without `TCP_NODELAY` each message would wait for the acknowledgement of the one before it. A socket where that
    // fails is only slow.
    let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
    axum::serve(listener, app).await
}

async fn upgrade(State(said): State<Sender<RelayedMessage>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|socket| relay(socket, said))
}

/// Serves one connection. Returns when it ends, or is so slow that it would lose messages.
async fn relay(socket: WebSocket, said: Sender<RelayedMessage>) {
    static CLIENTS: AtomicU64 = AtomicU64::new(0);
    let client = CLIENTS.fetch_add(1, Ordering::Relaxed);
    let (mut sink, mut stream) = socket.split();
    let mut heard = said.subscribe();
    let mut sending = tokio::spawn(async move {
        while let Ok((speaker, text)) = heard.recv().await {
            if speaker != client && sink.send(Message::Text(text)).await.is_err() {
                break;
            }
        }
    });
    let mut receiving = tokio::spawn(async move {
        while let Some(Ok(message)) = stream.next().await {
            if let Message::Text(text) = message {
                // It fails without a receiver, but this client is one.
                let _ = said.send((client, text));
            }
        }
    });
    tokio::select! {
        _ = &mut sending => receiving.abort(),
        _ = &mut receiving => sending.abort(),
    }
}
