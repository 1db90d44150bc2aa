//! The number of a message that the room has taken.
//! Must not know how it is written.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::refusal::PublishError;
use rtbroadcaster_core::room::core::ProposeError;
use tokio::sync::oneshot;

/// The number of a message that the room has taken, by [`Owner::send`](crate::Owner::send): a future. Dropping it does
/// not take the message back.
#[derive(Debug)]
#[must_use = "it is known when this is ready whether the message was stored"]
pub struct Ticket(TicketState);

#[derive(Debug)]
enum TicketState {
    Ready(Seq),
    Waiting(oneshot::Receiver<Result<Seq, ProposeError>>),
}

impl Ticket {
    pub(super) fn ready(seq: Seq) -> Self {
        Self(TicketState::Ready(seq))
    }

    pub(super) fn waiting(written: oneshot::Receiver<Result<Seq, ProposeError>>) -> Self {
        Self(TicketState::Waiting(written))
    }
}

impl Future for Ticket {
    type Output = Result<Seq, PublishError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match &mut self.0 {
            TicketState::Ready(seq) => Ok(*seq),
            // Without an answer the room has ended.
            TicketState::Waiting(written) => {
                Ok(ready!(Pin::new(written).poll(context)).unwrap_or(Err(ProposeError::Ended))?)
            }
        })
    }
}
