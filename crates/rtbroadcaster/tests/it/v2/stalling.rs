//! Viewers that take nothing at all: they cost little, and for how long is known.

use std::time::{Duration, Instant};

use rtbroadcaster::{Config, Limit};
use tokio::io::{AsyncRead, AsyncWrite};

use super::follower::{Follower, Heard};
use super::frame::How;
use super::lagging::{BACKLOG, Scene, config, in_memory, scene};
use super::ledger::Speaker;
use super::viewer::{Listener, Viewer};
use crate::client::Came;
use crate::house::House;

/// How long a viewer may take nothing.
const STALL: Duration = Duration::from_millis(300);

/// `slow` takes nothing and is closed in time. Gives what it read then.
async fn check_stall<S: AsyncRead + AsyncWrite + Unpin>(mut slow: Viewer<S>, scene: &mut Scene) -> Follower {
    let begin = Instant::now();
    let mut n = 0;
    while scene.speaker.owner.viewers() > 1 {
        assert!(begin.elapsed() < STALL + Duration::from_secs(3), "it is still there after {:?}", begin.elapsed());
        scene.event(n, 1_000).await;
        n += 1;
    }
    assert!(begin.elapsed() >= STALL, "it was closed before the limit: {:?}", begin.elapsed());
    match slow.until_end().await {
        Came::Close(4008, word) if word == "slow" => {
            let last = slow.follower.heard().last().unwrap();
            assert!(matches!(last, Heard::Closed { reason } if reason == "slow"), "the last frame is {last:?}");
        }
        Came::End(_) => {}
        other => panic!("expected the close 4008, but came {other:?}"),
    }
    slow.follower
}

/// A viewer that was closed comes back, and then has everything.
async fn check_back(house: &House, room: &str, follower: Follower, scene: Scene) {
    let mut back = Viewer::again(house, room, follower).await;
    assert_eq!(back.follower.answers(How::Resumed, None), 1);
    let ledger = scene.end().await;
    back.until_last().await;
    back.follower.check_whole(&ledger);
    assert_eq!((back.follower.holes(), back.follower.size().0), (0, usize::try_from(ledger.seq()).unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_takes_nothing_is_closed_in_time_and_resumes_with_nothing_lost() {
    let house =
        House::open(Config { stall_timeout: Limit::Max(STALL), backlog_bytes_max: Limit::None, ..config() }).await;
    let (owner, room) = house.rust_owner().await;
    let slow = Viewer::narrow(&house, &room).await;
    let mut scene = scene(&house, &room, Speaker::new(owner)).await;
    let follower = check_stall(slow, &mut scene).await;
    check_back(&house, &room, follower, scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_the_decision_to_close_nothing_goes_out_but_that() {
    let house =
        House::open(Config { stall_timeout: Limit::Max(STALL), backlog_bytes_max: Limit::None, ..config() }).await;
    let (owner, room) = house.rust_owner().await;
    let slow = in_memory(&house.manager, &room).await;
    let mut scene = scene(&house, &room, Speaker::new(owner)).await;
    let follower = check_stall(slow, &mut scene).await;
    // What the stream held, and the frame that was half written.
    let (messages, _) = follower.size();
    assert!(messages < 8, "{messages} messages came");
    check_back(&house, &room, follower, scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_that_stall_hold_little_and_the_others_get_everything() {
    let house = House::open(config()).await;
    let (owner, room) = house.rust_owner().await;
    let mut stalled = Vec::new();
    for _ in 0..6 {
        stalled.push(Viewer::narrow(&house, &room).await);
    }
    let other = Listener::join(&house, &room).await;
    let mut scene = scene(&house, &room, Speaker::new(owner)).await;
    for n in 0..1_000 {
        let seq =
            if n % 3 == 0 { scene.state(&format!("s{}", n % 5), n, 4_000).await } else { scene.event(n, 4_000).await };
        other.is_in_step(seq).await;
    }
    let ledger = scene.end().await;
    let others = other.follower().await;
    others.check_whole(&ledger);
    assert_eq!(others.size().0, usize::try_from(ledger.seq()).unwrap());
    for mut stalled in stalled {
        stalled.until_last().await;
        stalled.follower.check_caught_up(&ledger);
        // Whatever waited is what came: the kernel's two buffers, the frames taken for a write, the backlog, the state.
        let (_, bytes) = stalled.follower.size();
        assert!(bytes < BACKLOG + 512 * 1024, "{bytes} bytes were held");
        assert_eq!(stalled.follower.resets(), 1);
    }
}
