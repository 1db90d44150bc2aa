//! What an owner does that moves between nodes: it sends again what was not acknowledged.

use std::collections::BTreeMap;
use std::time::Duration;

use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::message::Message;
use tokio::time::timeout;

use crate::room::Owner;

/// A message by its number in the order of a test.
pub(super) type Number = u64;

/// Sends all of `unacked` in order and moves what is acknowledged to `acked`. Returns whether all was.
pub(super) async fn sends(
    owner: &Owner,
    unacked: &mut Vec<Number>,
    acked: &mut BTreeMap<Number, Seq>,
    message: impl Fn(Number) -> Message,
) -> bool {
    let mut tickets = Vec::new();
    for number in &*unacked {
        match timeout(Duration::from_secs(15), owner.send(message(*number))).await {
            Ok(Ok(ticket)) => tickets.push((*number, ticket)),
            _ => break,
        }
    }
    let mut is_whole = tickets.len() == unacked.len();
    for (number, ticket) in tickets {
        match timeout(Duration::from_secs(15), ticket).await {
            Ok(Ok(seq)) => {
                let known = acked.insert(number, seq);
                assert!(known.is_none_or(|known| known == seq), "{number} has two numbers");
                unacked.retain(|other| *other != number);
            }
            _ => is_whole = false,
        }
    }
    is_whole
}
