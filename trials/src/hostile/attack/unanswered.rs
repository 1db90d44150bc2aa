//! Connections of plain HTTP that ask for a file again and again, and read no answer. Must not know the file's
//! contents.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Made, Plan};
use crate::hostile::memory::ServerLoad;
use crate::hostile::plain::request;
use crate::hostile::sources::FEW;
use crate::load::peer::connect_narrow_from;
use crate::steps::Failure;

/// The number of connections at full scale, and the least number, and the requests of each at a time.
const CONNECTIONS: u64 = 1_000;
const CONNECTIONS_MIN: u64 = 16;
const REQUESTS: usize = 500;

const FILE: &str = "/page/page.css";

/// The most time for which the server keeps one: 10 s, 1 s for each 2 048 bytes that the client took in spite of all,
/// and the time of a busy machine.
const KEPT_MAX: Duration = Duration::from_secs(45);

/// The stay of one in a short attack: the server's timeout is longer than the attack.
const STAY_SHORT: Duration = Duration::from_secs(2);

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let count = plan.share(CONNECTIONS).max(CONNECTIONS_MIN);
    let (address, stay) = (plan.address, plan.either(KEPT_MAX, STAY_SHORT));
    let requests = std::sync::Arc::<str>::from(request(FILE, address).repeat(REQUESTS));
    let (mut tasks, mut made) = (JoinSet::new(), Made::default());
    for number in 0..count {
        let stream = connect_narrow_from(FEW.of(number), address).await;
        let mut stream = stream.map_err(|error| Failure::new(format!("connection {number}: {error}")))?;
        let requests = std::sync::Arc::clone(&requests);
        tasks.spawn(async move {
            let began = Instant::now();
            let ask = async { while stream.write_all(requests.as_bytes()).await.is_ok() {} };
            timeout(stay, ask).await.ok().map(|()| began.elapsed())
        });
    }
    let mut longest = Duration::ZERO;
    while let Some(ended) = tasks.join_next().await {
        made.count += 1;
        match ended.map_err(|error| Failure::new(format!("one that reads no answer: {error}")))? {
            Some(after) => {
                longest = longest.max(after);
                made.answer("ended by the server");
            }
            None => made.answer("left"),
        }
    }
    made.answers.insert("longest, ms".into(), u64::try_from(longest.as_millis()).unwrap_or(u64::MAX));
    let left = made.times("left");
    if plan.either(left, 0) > 0 {
        made.faults.push(format!("{left} were kept for over {KEPT_MAX:?}"));
    }
    made.load = ServerLoad { handshakes: count, ..ServerLoad::default() };
    Ok(made)
}
