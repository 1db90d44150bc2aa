//! A viewer that reads as fast as it can and counts missing messages. Must not know the other clients.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Shared, message};
use crate::hostile::sources::GOOD;
use crate::load::peer::{Peer, PeerError, ReadOutcome, V2};

/// Joins as viewer number `number`, which decides its address and its protocol.
pub(super) async fn join(address: SocketAddr, number: usize, room: &str) -> Result<Peer, PeerError> {
    let is_new = number % 2 == 1;
    let source = GOOD.of(number as u64 / 2);
    let mut peer = Peer::open_from(source, address, if is_new { V2 } else { None }).await?;
    let join = if is_new {
        format!(r#"{{"type":"join","id":"a","room":"{room}"}}"#)
    } else {
        format!(r#"{{"uuid":"{room}","status":{{"value":2}}}}"#)
    };
    peer.say(&join).await?;
    let answer = peer.answer().await?;
    let is_in = answer.contains(r#""type":"joined""#) || answer.contains(r#""value":3"#);
    if is_in { Ok(peer) } else { Err(PeerError::Answer(answer)) }
}

/// Reads until the connection ends, which it should not.
pub(super) async fn listen(mut peer: Peer, number: usize, shared: Arc<Shared>) {
    let next = &shared.next[number];
    loop {
        let link = peer.hear(|text| {
            let Some((number, micros)) = message::read(text) else { return };
            let late = u32::try_from(shared.micros().saturating_sub(micros)).unwrap_or(u32::MAX);
            let expected = next.load(Ordering::Relaxed);
            let mut heard = shared.heard();
            heard.late_micros.push(late);
            if number < expected {
                heard.repeated += 1;
            } else {
                heard.lost += u64::from(number - expected);
                next.store(number + 1, Ordering::Relaxed);
            }
        });
        let end = match link.await {
            Ok(ReadOutcome::Open) => continue,
            Ok(ReadOutcome::Done) => "a viewer: the room has ended".to_owned(),
            Err(error) => format!("a viewer: {error}"),
        };
        shared.heard().ends.push(end);
        return;
    }
}
