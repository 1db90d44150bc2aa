//! Viewers that pause and go on all the time, while the owner speaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rtbroadcaster::{Config, Limit};
use tokio::task::JoinHandle;

use super::dice::Dice;
use super::frame::{self, How};
use super::ledger::Speaker;
use super::pausing::{config, room};
use super::viewer::Viewer;
use crate::moment::{LONG, within_time};

/// Has the owner say `burst` messages a millisecond, up to the number in the answer, until that is [`OVER`].
fn speak_on(mut speaker: Speaker, burst: usize) -> (JoinHandle<Speaker>, Arc<AtomicU64>) {
    let limit = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&limit);
    let speaking = tokio::spawn(async move {
        let mut pace = tokio::time::interval(Duration::from_millis(1));
        let mut numbers = 0..;
        loop {
            pace.tick().await;
            let limit = told.load(Ordering::Relaxed);
            if limit == OVER {
                speaker.last().await;
                return speaker;
            }
            for n in numbers.by_ref().take(burst) {
                if speaker.ledger.seq() < limit {
                    speaker.mixed(n).await;
                }
            }
        }
    });
    (speaking, limit)
}

/// Everything is said.
const OVER: u64 = u64::MAX;

#[tokio::test(flavor = "multi_thread")]
async fn pauses_in_one_segment_are_done_one_after_the_other_while_the_owner_speaks() {
    // Together fewer than a client may have at once.
    const PAUSES: usize = 10;
    const ROUNDS: u64 = 6;
    // So that no viewer falls behind for good on a busy machine.
    const MESSAGES: u64 = 400;
    // Who reads late is not reset: this is about pauses.
    let (house, speaker, room) = room(Config { backlog_bytes_max: Limit::None, ..config() }).await;
    let mut viewers = Vec::new();
    for _ in 0..3 {
        viewers.push(Viewer::new(&house, &room).await);
    }
    let (speaking, limit) = speak_on(speaker, 20);
    for round in 1..=ROUNDS {
        limit.store(round * MESSAGES, Ordering::Relaxed);
        for viewer in &mut viewers {
            viewer.until_seq((round - 1) * MESSAGES + 30).await;
            (0..PAUSES).for_each(|_| _ = viewer.follower.ask());
            let pauses = (0..PAUSES).flat_map(|n| [frame::PAUSE.to_owned(), frame::unpause(&format!("{round}-{n}"))]);
            viewer.client.send_all(pauses).await;
        }
        for viewer in &mut viewers {
            viewer.until("all answers", |follower| !follower.is_owed()).await;
            assert_eq!(viewer.follower.last_joined().id, format!("{round}-{}", PAUSES - 1));
        }
    }
    limit.store(OVER, Ordering::Relaxed);
    let speaker = within_time(LONG, "the owner", speaking).await.unwrap();
    for viewer in &mut viewers {
        viewer.until_last().await;
        viewer.follower.check_whole(&speaker.ledger);
        assert_eq!(viewer.follower.answers(How::Resumed, None), usize::try_from(ROUNDS).unwrap() * PAUSES);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_pauses_hundreds_of_times_gets_everything_once() {
    const PAUSES: usize = 300;
    let (house, speaker, room) = room(Config { backlog_bytes_max: Limit::None, ..config() }).await;
    let mut viewer = Viewer::new(&house, &room).await;
    let (speaking, limit) = speak_on(speaker, 1);
    limit.store(OVER - 1, Ordering::Relaxed);
    let (mut dice, mut came) = (Dice::new(), 0);
    for n in 0..PAUSES {
        let seq = viewer.follower.seq() + dice.below(4);
        viewer.until_seq(seq).await;
        match dice.below(4) {
            // The answer comes behind what was on its way.
            0 => viewer.client.send(frame::PAUSE).await,
            1 => viewer.client.send_all([frame::PAUSE.to_owned(), frame::PAUSE.to_owned()]).await,
            _ => viewer.pause().await,
        }
        // A connection may pause so often at once and not more.
        if dice.below(8) == 0 || n - came == 20 {
            // The connection goes while it is paused.
            viewer = Viewer::again(&house, &room, viewer.follower).await;
            came = n;
        } else {
            viewer.unpause(&n.to_string()).await;
        }
    }
    limit.store(OVER, Ordering::Relaxed);
    let speaker = within_time(LONG, "the owner", speaking).await.unwrap();
    viewer.until_last().await;
    viewer.follower.check_whole(&speaker.ledger);
    assert_eq!(viewer.follower.answers(How::Resumed, None), PAUSES);
}
