//! What a viewer hears and how it is taken.

use serde_json::json;

use super::script::{Server, next, reaches, soon};
use crate::{Options, SignalError, Status};

#[tokio::test(start_paused = true)]
async fn everything_is_told_in_order() {
    let (viewer, mut messages, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    peer.sets(1, "a").await;
    peer.says(json!({"type": "message", "key": "pointer", "params": [0.5, 1e3]})).await;
    peer.says(json!({"type": "owner", "status": "away", "term": 1})).await;
    peer.says(json!({"type": "a frame of the future", "seq": "none"})).await;
    reaches(&viewer, |status| matches!(status, Status::Away { .. })).await;
    peer.says(json!({"type": "owner", "status": "live", "term": 2})).await;
    peer.says(json!({"type": "message", "seq": 2, "key": "a", "params": [], "cleared": true})).await;
    for expected in ["state 0 of 0", "1 a [1]", "- pointer [0.5,1000.0]", "owner Away 1", "owner Live 2", "2 a cleared"]
    {
        assert_eq!(next(&mut messages).await, expected);
    }
    assert_eq!(viewer.status(), Status::Live);
    assert!(viewer.state().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_asked_for_later_begins_with_the_state_of_that_moment() {
    let (viewer, mut early, mut server) = Server::viewer();
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    for seq in 1..=3 {
        peer.sets(seq, "a").await;
    }
    peer.is_heard().await;
    let mut late = viewer.messages();
    peer.rings(4).await;
    for expected in ["state 1 of 3", "4 bell [4]"] {
        assert_eq!(next(&mut late).await, expected);
    }
    drop(late);
    peer.rings(5).await;
    for expected in ["state 0 of 0", "1 a [1]", "2 a [2]", "3 a [3]", "4 bell [4]", "5 bell [5]"] {
        assert_eq!(next(&mut early).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_that_does_not_take_its_messages_holds_the_connection_back_and_loses_nothing() {
    let (viewer, mut messages, mut server) = Server::viewer_with(&Options { messages_max: 2, ..Options::default() });
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    for seq in 1..=200 {
        peer.rings(seq).await;
    }
    // The clock goes on as soon as nobody can do anything.
    tokio::time::sleep(std::time::Duration::from_secs(100)).await;
    assert_eq!(viewer.status(), Status::Live, "not having read is not silence");
    let seen = viewer.state().seq().get();
    assert!(seen < 10, "{seen}");
    assert_eq!(next(&mut messages).await, "state 0 of 0");
    for seq in 1..=200 {
        assert_eq!(next(&mut messages).await, format!("{seq} bell [{seq}]"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_viewer_speaks_to_the_owner_while_it_is_in_the_room() {
    let (viewer, mut messages, mut server) = Server::viewer();
    assert_eq!(soon(viewer.signal("hand", ())).await, Err(SignalError::Offline));
    let mut peer = server.accept().await;
    peer.joins(json!({})).await;
    soon(viewer.inside()).await.unwrap();
    soon(viewer.signal("hand", [true])).await.unwrap();
    assert_eq!(peer.asked().await, json!({"type": "signal", "key": "hand", "params": [true]}));
    assert!(matches!(soon(viewer.signal("", ())).await, Err(SignalError::BadSignal(_))));
    peer.says(json!({"type": "error", "code": "rate", "message": "no", "retryInMs": 1_000})).await;
    assert_eq!(next(&mut messages).await, "state 0 of 0");
    assert_eq!(next(&mut messages).await, "refused rate");
    let mut audience = viewer.audience();
    peer.says(json!({"type": "audience", "viewers": 12})).await;
    assert_eq!(*soon(audience.wait_for(Option::is_some)).await.unwrap(), Some(12));
    peer.closes(4503, "room_closed").await;
    reaches(&viewer, |status| status.closing().is_some()).await;
    let Err(SignalError::Closed(closing)) = soon(viewer.signal("hand", ())).await else { panic!() };
    assert_eq!(closing.code(), 4503);
}
