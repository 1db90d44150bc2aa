//! Pings as fast as they can be written. Must not know which answers a server owes.

use std::time::Duration;

use tokio::time::timeout;

use super::{Made, Plan, crowd};
use crate::hostile::memory::ServerLoad;
use crate::hostile::sources::MANY;
use crate::load::frame::{self, Opcode};
use crate::load::peer::{Peer, PeerError, V2};
use crate::random::Random;
use crate::steps::Failure;

/// The number of connections at full scale, the number at once, and the pings of each.
const CONNECTIONS: u64 = 5_000;
const AT_ONCE: u64 = 48;
const PINGS: usize = 2_000;

/// The longest payload (RFC 6455 section 5.5).
const PAYLOAD: [u8; 125] = [b'p'; 125];

/// The most time of a connection.
const PATIENCE: Duration = Duration::from_secs(15);

/// The only code that is right.
const RATE: &str = "the server closed with 4029";

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let (address, room) = (plan.address, plan.room.clone());
    let pings = std::sync::Arc::<[u8]>::from(frame::masked(Opcode::Ping, &PAYLOAD).repeat(PINGS));
    let work = move |number: u64, random: Random| {
        let (room, pings) = (room.clone(), std::sync::Arc::clone(&pings));
        async move {
            let mut made = Made { count: 1, ..Made::default() };
            let flood = timeout(PATIENCE, async {
                let mut peer = Peer::open_from(MANY.of(number), address, V2).await?;
                if number.is_multiple_of(2) {
                    peer.say(&format!(r#"{{"type":"join","id":"a","room":"{room}"}}"#)).await?;
                }
                // The server may close before all are written.
                let _ = peer.send(&pings).await;
                loop {
                    peer.hear(|_| ()).await?;
                }
            });
            match flood.await {
                Ok(Err::<std::convert::Infallible, PeerError>(error)) => made.answer(error.to_string()),
                Ok(Ok(never)) => match never {},
                Err(_) => made.faults.push(format!("a flood lasts over {PATIENCE:?}")),
            }
            (made, random)
        }
    };
    let mut all = crowd(&plan, AT_ONCE, plan.share(CONNECTIONS), work).await?;
    // A reset loses the close frame when the flood continues after it.
    let told = all.times(RATE);
    if told * 2 < all.count {
        all.faults.push(format!("only {told} of {} got the code of the rate limit", all.count));
    }
    all.load = ServerLoad { connections: AT_ONCE, half_messages: AT_ONCE, ..ServerLoad::default() };
    Ok(all)
}
