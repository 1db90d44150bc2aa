//! What the room asks the node of its owner, and what other nodes ask the room.
//! Must not know what is asked.

use std::sync::Arc;

use bytes::Bytes;
use rtbroadcaster_core::chain::Lease;
use tokio::sync::oneshot;

use super::Replica;
use crate::engine::shared::SharedLog;
use crate::engine::shared::asking::REPLY_WITHIN;
use crate::engine::shared::nodes::NodeId;
use crate::engine::shared::text::{read_reply, write_question, write_reply};
use crate::engine::{NoReply, Question, Reply};
use crate::metrics::SignalRefusal;

impl<L: SharedLog> Replica<L> {
    /// Asks the node that wrote last. Drops `reply` if that is this node, or is not heard of.
    pub(super) fn ask(&self, question: &Question, reply: oneshot::Sender<Result<Reply, NoReply>>) {
        let Some((Lease { writer, .. }, _)) = self.chain.newest else { return };
        if writer == self.me || !self.nodes.borrow().is_heard(writer) {
            return;
        }
        let (log, text) = (Arc::clone(&self.log), write_question(&self.room, question));
        tokio::spawn(async move {
            let replied = log.ask_node(NodeId::of(writer), text, REPLY_WITHIN).await;
            // Who has asked may be gone.
            let _ = reply.send(replied.ok().and_then(|text| read_reply(&text)).ok_or(NoReply));
        });
    }

    /// Answers another node, if this one has the lease.
    pub(super) fn answer(&self, question: Question, reply: oneshot::Sender<Bytes>) {
        let follower = self.follower.upgrade().filter(|_| self.has_lease());
        let unheard = Reply::Refused(SignalRefusal::Unheard);
        let _ = reply.send(write_reply(follower.map_or(unheard, |follower| follower.asked(question))));
    }
}
