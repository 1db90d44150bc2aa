//! A plain relay, polite or not: it forwards each text to all other connections. By an independent WebSocket
//! implementation.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

/// How often the first connection gets a text; all others get it once.
pub(crate) type Copies = fn(&str) -> usize;

type Others = Arc<Mutex<BTreeMap<usize, mpsc::UnboundedSender<Message>>>>;

/// Starts one on a free port, as long as the test runs.
pub(crate) async fn start(copies: Copies) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let others = Others::default();
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, number, others.clone(), copies));
        }
    });
    address
}

async fn serve(stream: TcpStream, number: usize, others: Others, copies: Copies) {
    stream.set_nodelay(true).unwrap();
    // The generator may have gone.
    let Ok(stream) = tokio_tungstenite::accept_async(stream).await else { return };
    let (mut writer, mut reader) = stream.split();
    let (sender, mut receiver) = mpsc::unbounded_channel();
    others.lock().unwrap().insert(number, sender);
    tokio::spawn(async move {
        while let Some(message) = receiver.recv().await {
            if writer.send(message).await.is_err() {
                return;
            }
        }
    });
    while let Some(Ok(message)) = reader.next().await {
        let Message::Text(text) = &message else { continue };
        for (&other, sender) in others.lock().unwrap().iter().filter(|(other, _)| **other != number) {
            // The publisher comes first, so this is a viewer.
            let copies = if other == 1 { copies(text) } else { 1 };
            for _ in 0..copies {
                let _ = sender.send(message.clone());
            }
        }
    }
    others.lock().unwrap().remove(&number);
}
