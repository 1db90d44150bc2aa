//! What a replica is made of, and what its room wants of it.
//! Must not know what it does with that.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use rtbroadcaster_core::chain::{Chain, Writer};
use rtbroadcaster_core::id::{RoomId, Seq, Term};
use rtbroadcaster_core::message::{Key, Params};
use rtbroadcaster_core::record::Handover;
use tokio::sync::{mpsc, oneshot, watch};

use crate::engine::shared::FeedEvent;
use crate::engine::shared::losses::{Loss, Losses};
use crate::engine::shared::nodes::Nodes;
use crate::engine::{NoReply, Question, Reply};
use crate::metrics::SharedLogCounters;

/// What the room wants of its replica.
#[derive(Debug)]
pub(in crate::engine::shared) enum Order {
    /// To write this.
    Append(Handover),
    /// To send an ephemeral message to the other nodes.
    Whisper(Term, Key, Params),
    /// To ask the node of the owner.
    Ask(Question, oneshot::Sender<Result<Reply, NoReply>>),
    /// To reply to another node.
    Answer(Question, oneshot::Sender<Bytes>),
    /// To look whether there are entries that were not told.
    Look,
    /// To look whether the room still exists.
    Verify,
}

/// What a replica needs besides its own state.
#[derive(Debug)]
pub(in crate::engine::shared) struct ReplicaParts {
    pub(in crate::engine::shared) room: RoomId,
    pub(in crate::engine::shared) me: Writer,
    pub(in crate::engine::shared) chain: Chain,
    pub(in crate::engine::shared) marks: VecDeque<Mark>,
    /// The number of entries behind the last checkpoint.
    pub(in crate::engine::shared) unkept: u64,
    pub(in crate::engine::shared) orders: mpsc::UnboundedReceiver<Order>,
    /// The receiver of what happens in the room; `None` before it is followed.
    pub(in crate::engine::shared) events: Option<mpsc::Receiver<FeedEvent>>,
    /// Where others see up to which entry it has read.
    pub(in crate::engine::shared) position: watch::Sender<Chain>,
    /// The losses of the log behind the position.
    pub(in crate::engine::shared) losses: watch::Receiver<Option<Loss>>,
}

/// Where an entry begins that holds messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::shared) struct Mark {
    /// The position before the entry.
    pub(in crate::engine::shared) before: Chain,
    /// Its first message.
    pub(in crate::engine::shared) first: Seq,
}

/// What all replicas on a node share.
#[derive(Debug)]
pub(in crate::engine::shared) struct NodeParts<L> {
    pub(in crate::engine::shared) log: Arc<L>,
    pub(in crate::engine::shared) nodes: watch::Receiver<Nodes>,
    pub(in crate::engine::shared) losses: Arc<Losses>,
    pub(in crate::engine::shared) counters: Arc<SharedLogCounters>,
}

impl<L> Clone for NodeParts<L> {
    fn clone(&self) -> Self {
        Self {
            log: Arc::clone(&self.log),
            nodes: self.nodes.clone(),
            losses: Arc::clone(&self.losses),
            counters: Arc::clone(&self.counters),
        }
    }
}
