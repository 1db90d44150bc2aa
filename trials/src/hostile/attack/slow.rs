//! Requests that never end: silent from the beginning or in the middle, or with a byte now and then. Must not know
//! other timeouts.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use super::{Made, Plan};
use crate::hostile::memory::ServerLoad;
use crate::hostile::sources::FEW;
use crate::load::peer::connect_from;
use crate::steps::Failure;

/// The number at full scale.
const REQUESTS: u64 = 5_000;

/// The most time for which the server keeps one, from its connection on.
const KEPT_MAX: Duration = Duration::from_millis(5_500);

/// The time after which an attacker gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// The time between two bytes of those that send any.
const TRICKLE: Duration = Duration::from_millis(700);

/// The number that connect before the others of a batch do: the kernel queues so many.
const BATCH: u64 = 500;

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let (count, address) = (plan.share(REQUESTS), plan.address);
    let (mut tasks, mut made) = (JoinSet::new(), Made::default());
    for number in 0..count {
        let stream = connect_from(FEW.of(number), address).await;
        let stream = stream.map_err(|error| Failure::new(format!("connection {number} of the slow: {error}")))?;
        let began = Instant::now();
        tasks.spawn(async move {
            let ended = timeout(PATIENCE, async {
                let (mut reader, mut writer) = stream.into_split();
                if number % 3 > 0 {
                    let _ = writer.write_all(b"GET /broadcasting HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Padding: ").await;
                }
                let mut ticks = interval(TRICKLE);
                let trickle = async {
                    while number % 3 > 1 && writer.write_all(b"a").await.is_ok() {
                        ticks.tick().await;
                    }
                    std::future::pending::<()>().await;
                };
                let mut answer = Vec::new();
                tokio::select! {
                    _ = reader.read_to_end(&mut answer) => {}
                    () = trickle => {}
                }
            });
            ended.await.is_ok().then(|| began.elapsed())
        });
        if number % BATCH == BATCH - 1 {
            tokio::task::yield_now().await;
        }
    }
    let mut longest = Duration::ZERO;
    while let Some(kept) = tasks.join_next().await {
        made.count += 1;
        match kept.map_err(|error| Failure::new(format!("a slow one: {error}")))? {
            Some(kept) => {
                longest = longest.max(kept);
                made.answer(if kept <= KEPT_MAX { "closed in time" } else { "closed late" });
            }
            None => made.answer("kept"),
        }
    }
    if made.times("closed in time") < count {
        made.faults.push(format!("not all were closed within {KEPT_MAX:?}; the longest was kept for {longest:?}"));
    }
    made.load = ServerLoad { handshakes: count, ..ServerLoad::default() };
    Ok(made)
}
