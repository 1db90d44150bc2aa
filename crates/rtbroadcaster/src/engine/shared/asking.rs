//! Questions between nodes: the node of a viewer asks the node of the owner, which replies within a deadline.
//! Must not know what a room makes of a question.

use std::sync::Weak;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::nodes::NodeId;
use super::replica::Order;
use super::rooms::Replicas;
use super::text::{read_question, write_reply};
use super::{Asked, SharedLog};
use crate::engine::Reply;
use crate::metrics::SignalRefusal;

/// The time within which a reply has to come.
pub(super) const REPLY_WITHIN: Duration = Duration::from_secs(2);

/// Passes what other nodes ask `node` on to the replicas, until the log is gone.
pub(super) async fn answer<L: SharedLog>(log: Weak<L>, node: NodeId, replicas: Weak<Replicas>) {
    let Some(mut questions) = log.upgrade().map(|log| log.questions(node)) else { return };
    while let Some(Asked { text, reply }) = questions.recv().await {
        let Some(replicas) = replicas.upgrade() else { return };
        pass_on(&replicas, &text, reply);
    }
}

fn pass_on(replicas: &Replicas, text: &Bytes, reply: oneshot::Sender<Bytes>) {
    // A replica that ends meanwhile drops the sender.
    let unheard = match read_question(text) {
        Some((room, question)) => match replicas.order(&room, Order::Answer(question, reply)) {
            Some(Order::Answer(_, reply)) => reply,
            Some(_) | None => return,
        },
        None => reply,
    };
    // Who has asked may be gone.
    let _ = unheard.send(write_reply(Reply::Refused(SignalRefusal::Unheard)));
}
