//! QR codes, each of another link, as fast as they are answered, and the delay of another room's acknowledgements
//! meanwhile. Must not know how a code is made.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout_at};

use super::{Made, Plan};
use crate::hostile::memory::ServerLoad;
use crate::hostile::plain::Plain;
use crate::hostile::sources::{FEW, GOOD};
use crate::load::peer::{Peer, PeerError, V2};
use crate::steps::Failure;

/// The number of pairs of blocks, one without the flood and one with it, and the length of a block.
const PAIRS: u32 = 20;
const PAIRS_SHORT: u32 = 2;
const BLOCK: Duration = Duration::from_millis(1_500);
const BLOCK_SHORT: Duration = Duration::from_millis(400);

/// The number of connections that ask at once, eight from each address.
const AT_ONCE: u64 = 64;

/// The time between two messages of the owner.
const BEAT: Duration = Duration::from_millis(5);

/// The most delay of the last hundredth in a flood, whatever else the machine does, or the factor over the delay
/// without.
const LATE_MAX: Duration = Duration::from_millis(100);
const TIMES_MAX: u32 = 10;

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let failed = |error: PeerError| Failure::new(format!("the owner of the other room: {error}"));
    let mut owner = Peer::open_from(GOOD.of(0), plan.address, V2).await.map_err(failed)?;
    owner.say(r#"{"type":"create","id":"a"}"#).await.map_err(|error| failed(error.into()))?;
    owner.answer().await.map_err(failed)?;
    let (numbers, mut made) = (Arc::new(AtomicU64::new(plan.seed)), Made::default());
    let (mut quiet, mut flooded, block) = (Vec::new(), Vec::new(), plan.either(BLOCK, BLOCK_SHORT));
    for _ in 0..plan.either(PAIRS, PAIRS_SHORT) {
        publish(&mut owner, block, &mut quiet).await.map_err(failed)?;
        let mut flood = JoinSet::new();
        for connection in 0..AT_ONCE {
            flood.spawn(ask(plan.clone(), connection, Arc::clone(&numbers), Instant::now() + block));
        }
        publish(&mut owner, block, &mut flooded).await.map_err(failed)?;
        while let Some(part) = flood.join_next().await {
            made.add(part.map_err(|error| Failure::new(format!("one that asks for codes: {error}")))?);
        }
    }
    let (quiet, flooded) = (last_hundredth(quiet), last_hundredth(flooded));
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    made.answers.insert("p99 of acknowledgements before, µs".into(), micros(quiet));
    made.answers.insert("meanwhile, µs".into(), micros(flooded));
    if flooded > LATE_MAX.max(quiet * TIMES_MAX) {
        made.faults.push(format!("acknowledgements take {flooded:?} while codes are asked for, {quiet:?} before"));
    }
    made.load =
        ServerLoad { connections: 1, handshakes: AT_ONCE, rooms: 1, pinned_bytes: 256 * 1024, ..ServerLoad::default() };
    Ok(made)
}

/// Publishes for `time`, and adds the delay of each acknowledgement.
async fn publish(owner: &mut Peer, time: Duration, took: &mut Vec<Duration>) -> Result<(), PeerError> {
    let (began, mut beat) = (Instant::now(), interval(BEAT));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while began.elapsed() < time {
        beat.tick().await;
        let at = Instant::now();
        owner.say(&format!(r#"{{"type":"publish","id":"{}","key":"k","params":[]}}"#, took.len())).await?;
        while !owner.answer().await?.starts_with(r#"{"type":"ack""#) {}
        took.push(at.elapsed());
    }
    Ok(())
}

/// Asks for one code after the other.
async fn ask(plan: Plan, connection: u64, numbers: Arc<AtomicU64>, until: Instant) -> Made {
    let mut made = Made::default();
    let asked = async {
        let mut plain = Plain::open_from(FEW.of(connection), plan.address).await?;
        while Instant::now() < until {
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            let padding = "x".repeat(180);
            let path = format!("/qr.svg?url=http://{}/{padding}{number}", plan.address);
            // A code that waits for its turn when the block is over is not waited for.
            let Ok(status) = timeout_at(until.into(), plain.ask(&path)).await else { break };
            let status = status?;
            made.count += 1;
            match status {
                200 => made.answer("200"),
                429 | 503 => made.answer(status.to_string()),
                other => made.faults.push(format!("a code was answered with {other}")),
            }
            // The last answer of a connection says that it is closed.
            if made.count.is_multiple_of(1_000) {
                plain = Plain::open_from(FEW.of(connection), plan.address).await?;
            }
        }
        Ok::<_, std::io::Error>(())
    };
    if let Err(error) = asked.await {
        made.faults.push(format!("one that asks for codes: {error}"));
    }
    made
}

/// Returns the smallest value that 99 of 100 do not exceed.
fn last_hundredth(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get((times.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}
