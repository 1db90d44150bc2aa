//! Rooms without end: each connection creates one and ends. Must not know the other clients.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{Made, Plan, crowd};
use crate::hostile::memory::ServerLoad;
use crate::hostile::sources::FEW;
use crate::load::peer::{Peer, PeerError, V2};
use crate::random::Random;
use crate::steps::Failure;

/// The number of creates at full scale, and at once.
const CREATES: u64 = 20_000;
const AT_ONCE: u64 = 64;

/// The most rooms of one address, by default, and the number of addresses.
const ROOMS_MAX: u64 = 1_000 * 8;

/// The most time of one, and the wait of a refused one.
const PATIENCE: Duration = Duration::from_secs(15);
const AGAIN: Duration = Duration::from_millis(50);

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let address = plan.address;
    let work = move |number: u64, random: Random| async move {
        let mut made = Made::default();
        let is_new = number.is_multiple_of(2);
        let created = timeout(PATIENCE, async {
            let mut peer = Peer::open_from(FEW.of(number), address, if is_new { V2 } else { None }).await?;
            peer.say(if is_new { r#"{"type":"create","id":"a"}"# } else { r#"{"status":{"value":1}}"# }).await?;
            peer.answer().await
        });
        match created.await {
            Ok(Ok(answer)) => {
                made.count = 1;
                let is_created = answer.contains(r#""type":"created""#) || answer.contains(r#""value":3"#);
                let is_refused = answer.contains("room_limit") || answer.contains("too many rooms");
                if is_created {
                    made.answer("created");
                } else if is_refused {
                    made.answer("refused");
                } else {
                    made.faults.push(format!("a create was answered with {answer}"));
                }
            }
            // The rate limit of the address: the create counts when it got through.
            Ok(Err(PeerError::Refused(line))) if line.contains("429") => {
                made.answer("429");
                sleep(AGAIN).await;
            }
            Ok(Err(error)) => made.faults.push(format!("a create: {error}")),
            Err(_) => made.faults.push(format!("a create takes over {PATIENCE:?}")),
        }
        (made, random)
    };
    let mut all = crowd(&plan, AT_ONCE, plan.share(CREATES), work).await?;
    let rooms = all.times("created").min(ROOMS_MAX);
    all.load = ServerLoad { connections: AT_ONCE, rooms, ..ServerLoad::default() };
    Ok(all)
}
