//! The future number of a message that is on its way. Must not know how the message is sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use rtbroadcaster_core::id::Seq;
use tokio::sync::{oneshot, watch};

use super::PublishError;
use crate::status::Status;

/// The future number of a message that is on its way. Dropping it does not cancel the message.
#[derive(Debug)]
#[must_use = "whether the message was stored is known when this is ready"]
pub struct Ticket {
    pub(super) acked: oneshot::Receiver<Result<Seq, PublishError>>,
    pub(super) status: watch::Receiver<Status>,
}

impl Future for Ticket {
    type Output = Result<Seq, PublishError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let acked = std::task::ready!(Pin::new(&mut self.acked).poll(context));
        Poll::Ready(acked.unwrap_or_else(|_| Err(is_over(&self.status))))
    }
}

/// Returns why the owner publishes nothing any more.
pub(super) fn is_over(status: &watch::Receiver<Status>) -> PublishError {
    status.borrow().closing().cloned().map_or(PublishError::Offline, PublishError::from)
}
