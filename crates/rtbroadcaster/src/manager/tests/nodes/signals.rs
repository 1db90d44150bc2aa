//! Signals of viewers whose owner is on another node.

use rtbroadcaster_client::{Messages, Options, Viewer};
use rtbroadcaster_core::refusal::Refusal;
use rtbroadcaster_core::signal::Signal;

use super::*;
use crate::room::Signals;

/// The time within which the node of the owner replies, with that of its answer to the client.
const REPLY: Duration = Duration::from_secs(3);

async fn inside(manager: &Manager, owner: &Owner) -> Viewer {
    let viewer = Viewer::join(target(manager), owner.room()).unwrap();
    soon(viewer.inside()).await.unwrap();
    viewer
}

async fn heard(signals: &mut Signals) -> (String, Option<u64>) {
    match soon(signals.next()).await.expect("a signal") {
        Signal::Single { key, from, .. } => (key.as_str().to_owned(), from),
        other => panic!("{other:?}"),
    }
}

/// Waits until the viewer is told that its signal was refused.
async fn refused(messages: &mut Messages) -> String {
    loop {
        if let Heard::SignalRefused(refused) = soon(messages.next()).await.expect("it goes on") {
            return refused.code().to_owned();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_reaches_the_owner_on_whatever_node_it_is() {
    let (_sea, [here, there]) = nodes();
    let owner = here.create_room().await.unwrap();
    let viewer = inside(&there, &owner).await;
    let number = viewer.identity().and_then(|identity| identity.number()).expect("it is inside");
    let mut signals = owner.signals();
    for key in ["a", "b", "c"] {
        viewer.signal(key, [1]).await.unwrap();
    }
    for key in ["a", "b", "c"] {
        assert_eq!(heard(&mut signals).await, (key.to_owned(), Some(number)), "in order");
    }
    // A viewer that has come to another node is the same one there.
    let newer = there.own(&owner.room(), owner.key()).await.unwrap();
    let mut signals = newer.signals();
    let other = inside(&here, &owner).await;
    other.signal("d", ()).await.unwrap();
    assert_eq!(heard(&mut signals).await.0, "d");
    let counts = [&here, &there].map(|node| node.metrics().signals.told);
    assert_eq!(counts, [3, 1], "counted where they are told");
}

#[tokio::test(start_paused = true)]
async fn a_signal_is_refused_in_time_while_the_owner_is_away_or_out_of_reach() {
    let (sea, [here, there]) = nodes();
    let owner = here.create_room().await.unwrap();
    let _signals = owner.signals();
    let viewer = inside(&there, &owner).await;
    let mut messages = viewer.messages();
    sea.cut(0, true);
    let begun = tokio::time::Instant::now();
    viewer.signal("dark", ()).await.unwrap();
    assert_eq!(refused(&mut messages).await, Refusal::Unavailable.code());
    assert!(begun.elapsed() <= REPLY, "{:?}", begun.elapsed());
    sea.cut(0, false);
    let mut status = viewer.watch_status();
    soon(status.wait_for(|status| *status == Status::Live)).await.unwrap();
    drop(owner);
    soon(status.wait_for(|status| matches!(status, Status::Away { .. }))).await.unwrap();
    viewer.signal("away", ()).await.unwrap();
    assert_eq!(refused(&mut messages).await, Refusal::Unavailable.code());
    let refused =
        [&here, &there].map(|node| node.metrics().signals.refused.iter().map(|(_, count)| count).sum::<u64>());
    assert_eq!(refused, [0, 2], "counted where the viewer is");
}

#[tokio::test(start_paused = true)]
async fn a_viewer_of_two_nodes_has_the_rate_of_one() {
    let (_sea, [here, there]) = nodes();
    let owner = here.create_room().await.unwrap();
    let mut signals = owner.signals();
    let first = inside(&here, &owner).await;
    let (room, identity) = (owner.room(), first.identity().unwrap());
    let second = Viewer::join_as(target(&there), room, identity.clone(), Options::default()).unwrap();
    soon(second.inside()).await.unwrap();
    assert_eq!(second.identity(), Some(identity));
    let mut messages = second.messages();
    for count in 0..5 {
        first.signal("fast", [count]).await.unwrap();
        heard(&mut signals).await;
    }
    second.signal("fast", [5]).await.unwrap();
    assert_eq!(refused(&mut messages).await, Refusal::Rate.code());
}
