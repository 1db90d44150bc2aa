//! Connections from one address that send nothing, and are opened again when they are closed. Must not know other
//! addresses.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::{Made, Plan};
use crate::hostile::memory::ServerLoad;
use crate::hostile::sources::ONE;
use crate::load::peer::connect_from;
use crate::steps::Failure;

/// The number at once at full scale, and the time of the attack.
const AT_ONCE: u64 = 5_000;
const TIME: Duration = Duration::from_secs(20);

/// The time between two connections: faster ones wait in the system's queue, and others wait behind them.
const TURN: Duration = Duration::from_micros(500);

/// The number at once of a short attack: more than one address may have.
const AT_ONCE_SHORT: u64 = 60;
const TIME_SHORT: Duration = Duration::from_secs(2);

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let count = plan.share(AT_ONCE).max(AT_ONCE_SHORT);
    let until = Instant::now() + plan.either(TIME, TIME_SHORT);
    let (address, mut tasks, mut made) = (plan.address, JoinSet::new(), Made::default());
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let turns = Arc::new(Mutex::new(turns));
    for _ in 0..count {
        let turns = Arc::clone(&turns);
        tasks.spawn(async move {
            let mut made = Made::default();
            while Instant::now() < until {
                turns.lock().await.tick().await;
                let silent = async {
                    let mut stream = connect_from(ONE.of(0), address).await?;
                    stream.read_to_end(&mut Vec::new()).await
                };
                made.count += 1;
                match timeout_at(until, silent).await {
                    Ok(Ok(0)) => made.answer("closed"),
                    Ok(Ok(_)) => made.faults.push("a silent connection was answered".into()),
                    Ok(Err(error)) => made.answer(error.kind().to_string()),
                    Err(_) => made.answer("kept until the end"),
                }
            }
            made
        });
    }
    while let Some(part) = tasks.join_next().await {
        made.add(part.map_err(|error| Failure::new(format!("a silent one: {error}")))?);
    }
    if made.times("closed") < count.saturating_sub(plan.plain_max) {
        made.faults.push(format!("of {count} connections of one address only {} were closed", made.times("closed")));
    }
    made.load = ServerLoad { handshakes: count.min(plan.plain_max), ..ServerLoad::default() };
    Ok(made)
}
