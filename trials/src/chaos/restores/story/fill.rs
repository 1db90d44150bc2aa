//! A room that is filled and ends: only new files in the store are left of it. Must not know why.

use std::net::SocketAddr;

use super::super::client::Owner;
use crate::chaos::speaker::Saying;
use crate::load::peer::PeerError;
use crate::model::record::Effect;
use crate::random::Random;

/// The number of messages, and the length of their parameters: more than the journal takes (64 MiB).
const MESSAGES: usize = 1_200;
const PARAMS_BYTES: usize = 60_000;

/// The number of messages on their way.
const WINDOW: usize = 16;

/// Opens a room, publishes the messages, and ends it.
pub(super) async fn fill(address: SocketAddr, mut random: Random) -> Result<(), PeerError> {
    let (mut owner, _) = Owner::create(address, random.next()).await?;
    for number in 0..MESSAGES {
        owner.say(&[saying(&mut random)]).await?;
        if number % WINDOW == 0 {
            owner.settle().await?;
        }
    }
    owner.settle().await?;
    owner.close().await
}

/// Returns a message that cannot be compressed.
fn saying(random: &mut Random) -> Saying {
    let mut text = String::with_capacity(PARAMS_BYTES + 16);
    while text.len() < PARAMS_BYTES {
        text.push_str(&format!("{:016x}", random.next()));
    }
    Saying { kind: Some(Effect::Event), key: "fill".into(), params: format!("[\"{text}\"]"), has_id: true }
}
