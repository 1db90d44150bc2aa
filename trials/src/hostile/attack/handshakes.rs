//! Mutated requests. Must not know which of them are still right.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::{Made, Plan, crowd};
use crate::hostile::memory::ServerLoad;
use crate::hostile::sources::MANY;
use crate::hostile::{corpus, mutation};
use crate::load::peer::connect_from;
use crate::random::Random;
use crate::steps::Failure;

/// The number of requests at full scale, and at once.
const REQUESTS: u64 = 100_000;
const AT_ONCE: u64 = 48;

/// The most time of one: the server's 5 s for a head, and the time of a busy machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// A header that is too long for any server.
const HUGE_BYTES: usize = 20 * 1024;

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let address = plan.address;
    let work = move |number: u64, random: Random| async move {
        let mut random = random;
        let bytes = mutated(&address.to_string(), &mut random);
        let cuts = mutation::cuts(bytes.len(), &mut random);
        let asked = timeout(PATIENCE, async {
            let mut stream = connect_from(MANY.of(number), address).await?;
            let mut from = 0;
            for cut in cuts {
                // The outcome shows when reading.
                let _ = stream.write_all(&bytes[from..cut]).await;
                from = cut;
            }
            let _ = stream.shutdown().await;
            let mut answer = Vec::new();
            // A reset is an end too.
            let _ = stream.read_to_end(&mut answer).await;
            Ok::<_, std::io::Error>(answer)
        });
        let mut made = Made { count: 1, ..Made::default() };
        match asked.await {
            Ok(Ok(answer)) => {
                let status = status(&answer);
                if status.starts_with('5') {
                    made.faults.push(format!("a request was answered with {status}"));
                }
                made.answer(status);
            }
            Ok(Err(error)) => made.faults.push(format!("a connection: {error}")),
            Err(_) => made.faults.push(format!("a request takes over {PATIENCE:?}")),
        }
        (made, random)
    };
    let mut all = crowd(&plan, AT_ONCE, plan.share(REQUESTS), work).await?;
    all.load = ServerLoad { handshakes: AT_ONCE, ..ServerLoad::default() };
    Ok(all)
}

/// Returns the status of an answer, if it has one.
fn status(answer: &[u8]) -> String {
    let line = answer.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let status = String::from_utf8_lossy(line).split(' ').nth(1).map(str::to_owned);
    status.unwrap_or_else(|| "no answer".into())
}

fn mutated(host: &str, random: &mut Random) -> Vec<u8> {
    let (one, other) = (corpus::handshake(host, random), corpus::handshake(host, random));
    match random.index(8) {
        0..=2 => mutation::flipped(&one, 0xff, random),
        3 => mutation::cut(&one, random).to_vec(),
        4 | 5 => mutation::spliced(&one, &other, random),
        6 => {
            let line = one.iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            let huge = [&b"X-Padding: "[..], &vec![b'a'; random.index(HUGE_BYTES)], b"\r\n"].concat();
            [&one[..line], &huge, &one[line..]].concat()
        }
        _ => {
            let spliced = mutation::spliced(&one, &other, random);
            mutation::flipped(&spliced, 0x5f, random)
        }
    }
}
