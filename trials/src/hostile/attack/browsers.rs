//! A class of browsers behind one address, each with six connections for files and a WebSocket connection. No attack:
//! all of them must get in. Must not know the contents of the files.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Made, Plan};
use crate::hostile::memory::ServerLoad;
use crate::hostile::plain::Plain;
use crate::hostile::sources::CLASS;
use crate::load::peer::{Peer, PeerError, V2};
use crate::steps::Failure;

/// The number of browsers at full scale, and the least number: their connections are more than one address may have.
const BROWSERS: u64 = 300;
const BROWSERS_MIN: u64 = 6;

/// A browser's connections for files, and the number of files it reads.
const CONNECTIONS: usize = 6;
const FILES: usize = 26;
const PATHS: [&str; 6] = ["/", "/page/page.css", "/page/page.js", "/page/viewer.js", "/sdk/index.js", "/page/icon.svg"];

/// The time between the first requests of two browsers.
const TURN: Duration = Duration::from_millis(5);

/// The most time of a browser, and the wait of one that was asked to come later.
const PATIENCE: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_secs(1);

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let count = plan.share(BROWSERS).max(BROWSERS_MIN);
    let (all_in, mut here) = watch::channel(0_u64);
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let (plan, all_in) = (plan.clone(), all_in.clone());
        tasks.spawn(async move {
            let mut made = Made { count: 1, ..Made::default() };
            match timeout(PATIENCE, browse(&plan, &all_in, count, &mut made)).await {
                Ok(Ok(())) => made.answer("in"),
                Ok(Err(error)) => made.faults.push(format!("a browser: {error}")),
                Err(_) => made.faults.push(format!("a browser is not in after {PATIENCE:?}")),
            }
            made
        });
        sleep(TURN).await;
    }
    drop(all_in);
    let mut made = Made::default();
    while let Some(one) = tasks.join_next().await {
        made.add(one.map_err(|error| Failure::new(format!("a browser: {error}")))?);
    }
    let most = *here.borrow_and_update();
    made.answers.insert("in at the same time".into(), most);
    if most < count {
        made.faults.push(format!("of {count} browsers {most} were in at the same time"));
    }
    made.load = ServerLoad {
        connections: count,
        handshakes: (CONNECTIONS as u64 * count).min(plan.plain_max) + count,
        ..ServerLoad::default()
    };
    Ok(made)
}

/// Reads the files, joins the room, and stays until all others are in too and a message has arrived.
async fn browse(plan: &Plan, all_in: &watch::Sender<u64>, count: u64, made: &mut Made) -> Result<(), PeerError> {
    let mut parts = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let address = plan.address;
        parts.spawn(async move {
            let (mut plain, mut files, mut again) = (Plain::open_from(CLASS.of(0), address).await?, 0, 0);
            for number in (connection..FILES).step_by(CONNECTIONS) {
                let path = PATHS[number % PATHS.len()];
                // As browsers do: a kept connection that the server has closed meanwhile is no failure.
                let status = match plain.ask(path).await {
                    Ok(status) => status,
                    Err(_) if files > 0 => {
                        again += 1;
                        plain = Plain::open_from(CLASS.of(0), address).await?;
                        plain.ask(path).await?
                    }
                    Err(error) => return Err(error.into()),
                };
                if status != 200 {
                    return Err(PeerError::Answer(format!("{path}: {status}")));
                }
                files += 1;
            }
            Ok((plain, files, again))
        });
    }
    let mut kept = Vec::new();
    while let Some(part) = parts.join_next().await {
        let (plain, files, again) = part.map_err(|error| PeerError::Answer(error.to_string()))??;
        kept.push(plain);
        *made.answers.entry("files".into()).or_insert(0) += files;
        *made.answers.entry("connections opened again".into()).or_insert(0) += again;
    }
    let mut peer = loop {
        match Peer::open_from(CLASS.of(0), plan.address, V2).await {
            Ok(peer) => break peer,
            Err(PeerError::Refused(line)) if line.contains("429") => {
                made.answer("asked to come later");
                sleep(AGAIN).await;
            }
            Err(error) => return Err(error),
        }
    };
    peer.say(&format!(r#"{{"type":"join","id":"a","room":"{}"}}"#, plan.room)).await?;
    let answer = peer.answer().await?;
    if !answer.contains(r#""type":"joined""#) {
        return Err(PeerError::Answer(answer));
    }
    let mut others = all_in.subscribe();
    all_in.send_modify(|all| *all += 1);
    loop {
        let mut has_heard = false;
        peer.hear(|_| has_heard = true).await?;
        if has_heard && *others.borrow_and_update() == count {
            return Ok(());
        }
    }
}
