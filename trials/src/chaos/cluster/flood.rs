//! A room whose messages are more than a slow node can take: its owner is on one node, its only viewer on another. Must
//! not know why the node is slow.

use std::time::{Duration, Instant};

use rtbroadcaster::Message;
use rtbroadcaster::remote::{Owner, Viewer};
use tokio::time::{sleep, timeout};

use super::{Urls, failed};
use crate::steps::Failure;

/// The bytes of a message, and the time between two.
const BYTES: usize = 48 * 1024;
const BEAT: Duration = Duration::from_millis(20);

/// The most time of an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Publishes by the first address for so long, to a viewer at the last one.
pub(super) async fn flood(urls: Urls, time: Duration) -> Result<(), Failure> {
    let owner = Owner::create(&*urls[0]).await.map_err(failed)?;
    let viewer = Viewer::join(&*urls[urls.len() - 1], owner.room()).map_err(failed)?;
    timeout(ANSWER, viewer.inside()).await.map_err(failed)?.map_err(failed)?;
    let (begun, load) = (Instant::now(), "x".repeat(BYTES));
    while begun.elapsed() < time {
        let message = Message::state("load", [&*load]).expect("it has no fault");
        // What the owner cannot send in time is not missed: it is only weight.
        let _ = timeout(ANSWER, owner.send(message)).await;
        sleep(BEAT).await;
    }
    // The node that is slow may have its part later.
    let _ = timeout(ANSWER, owner.close()).await;
    Ok(())
}
