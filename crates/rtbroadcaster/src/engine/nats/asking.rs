//! Questions to nodes over NATS, and their replies.
//! Must not know what is asked.

use std::time::Duration;

use async_nats::Client;
use async_nats::client::Request;
use async_nats::connection::State;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::{mpsc, oneshot};

use crate::engine::shared::{Asked, Unsure};

/// The most questions that wait. Further ones get no reply.
const WAITING: usize = 4_096;

/// Asks at `subject`.
pub(super) async fn ask(client: &Client, subject: String, text: Bytes, within: Duration) -> Result<Bytes, Unsure> {
    if client.connection_state() != State::Connected {
        // It would wait for a connection, and then ask for what has been refused long ago.
        return Err(Unsure);
    }
    let request = Request::new().payload(text).timeout(Some(within));
    client.send_request(subject, request).await.map(|reply| reply.payload).map_err(|_| Unsure)
}

/// Returns what is asked at `subject`, until the receiver is dropped.
pub(super) fn questions(client: &Client, subject: String) -> mpsc::Receiver<Asked> {
    let (questions, asked) = mpsc::channel(WAITING);
    let client = client.clone();
    tokio::spawn(async move {
        let Ok(mut subscriber) = client.subscribe(subject).await else { return };
        loop {
            let message = tokio::select! {
                message = subscriber.next() => message,
                () = questions.closed() => None,
            };
            let Some(message) = message else { return };
            let Some(to) = message.reply else { continue };
            let (reply, replied) = oneshot::channel();
            if questions.try_send(Asked { text: message.payload, reply }).is_ok() {
                let client = client.clone();
                tokio::spawn(async move {
                    if let Ok(text) = replied.await {
                        // Who does not hear it asks no more.
                        let _ = client.publish(to, text).await;
                    }
                });
            }
        }
    });
    asked
}
