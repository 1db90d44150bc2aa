//! Tests of an owner whose server begins another life: the owner's cursor, and the reports of lost messages.

use rtbroadcaster_core::id::{Cursor, Epoch, Seq};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::script::{Peer, Server, bell, key, room, soon};
use crate::owner::Beginning;
use crate::{Loss, Options, Owner, ResetReason, Status};

fn cursor(epoch: &str, seq: u64) -> Cursor {
    Cursor { epoch: Epoch::from_wire(epoch).unwrap(), seq: Seq::new(seq).unwrap() }
}

fn written(epoch: &str, seq: u64) -> Value {
    json!({"epoch": epoch, "seq": seq})
}

fn state(seq: u64) -> Value {
    json!({"type": "message", "seq": seq, "key": format!("k{seq}"), "params": [seq], "state": true})
}

fn lease(epoch: &str) -> Value {
    json!({"type": "owner", "status": "live", "term": 2, "epoch": epoch})
}

/// Returns an owner of epoch `e` whose messages 1 to 3 were acknowledged.
async fn at_three() -> (Owner, Server, Peer) {
    let (owner, server, mut peer) = Server::created(Options::default()).await;
    assert_eq!(owner.cursor(), cursor("e", 0), "before the first acknowledgement");
    for seq in 1..=3 {
        let ticket = soon(owner.send(bell(1))).await.unwrap();
        let asked = peer.asked().await;
        peer.acks(&asked, seq).await;
        assert_eq!(soon(ticket).await.unwrap().get(), seq);
    }
    assert_eq!(owner.cursor(), cursor("e", 3));
    (owner, server, peer)
}

async fn is_live(owner: &Owner) {
    soon(owner.watch_status().wait_for(|status| *status == Status::Live)).await.unwrap();
}

async fn loss(losses: &mut watch::Receiver<Option<Loss>>) -> Loss {
    soon(losses.changed()).await.unwrap();
    losses.borrow_and_update().clone().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_owner_says_what_was_acknowledged_last() {
    let (owner, mut server, peer) = Server::created(Options::default()).await;
    peer.cuts().await;
    let mut peer = server.accept().await;
    let own = peer.owned(json!({"how": "resumed", "seq": 0})).await;
    assert_eq!(own["cursor"], written("e", 0), "as it was created");
    let tickets = [soon(owner.send(bell(1))).await.unwrap(), soon(owner.send(bell(2))).await.unwrap()];
    let asked = [peer.asked().await, peer.asked().await];
    // What was sent again may have an older number than what is known.
    peer.acks(&asked[0], 9).await;
    peer.acks(&asked[1], 8).await;
    for ticket in tickets {
        soon(ticket).await.unwrap();
    }
    peer.cuts().await;
    let own = server.accept().await.owned(json!({"how": "resumed", "seq": 9})).await;
    assert_eq!(own["cursor"], written("e", 9));
    assert_eq!(owner.cursor(), cursor("e", 9));
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_comes_by_its_key_stands_where_the_room_was_and_has_lost_nothing() {
    for how in [json!("resumed"), json!("reset"), json!("snapshot"), Value::Null] {
        let own = Beginning::Own(room(), key().parse().unwrap());
        let (opening, mut server) = Server::owner(own, Options::default());
        for is_cut in [true, false] {
            let mut peer = server.accept().await;
            let own = peer.owned(json!({"how": how, "seq": 9, "replay": 1})).await;
            assert_eq!(own.get("cursor"), None, "it knows nothing of the room");
            if is_cut {
                peer.cuts().await;
                continue;
            }
            peer.says(lease("f")).await;
            peer.sets(4, "a").await;
            let owner = soon(opening).await.unwrap().unwrap();
            assert_eq!(owner.cursor(), cursor("f", 9), "{how}");
            assert_eq!(*owner.watch_loss().borrow(), None, "{how}");
            peer.cuts().await;
            let own = server.accept().await.owned(json!({"how": "resumed", "seq": 9})).await;
            assert_eq!(own["cursor"], written("f", 9), "{how}");
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_resumed_is_in_the_new_life_at_once_with_its_old_number() {
    let (owner, mut server, peer) = at_three().await;
    peer.cuts().await;
    let mut peer = server.accept().await;
    // Another owner was there for a while, and the room is at 5.
    peer.owned(json!({"how": "resumed", "epoch": "f", "seq": 5, "replay": 2})).await;
    peer.sets(4, "a").await;
    peer.is_heard().await;
    assert_eq!(owner.cursor(), cursor("f", 3));
    peer.cuts().await;
    let mut peer = server.accept().await;
    let own = peer.owned(json!({"how": "resumed", "epoch": "f", "seq": 5, "replay": 1})).await;
    assert_eq!(own["cursor"], written("f", 3));
    peer.sets(4, "a").await;
    is_live(&owner).await;
    assert_eq!((owner.cursor(), owner.state().seq().get()), (cursor("f", 3), 5));
    assert_eq!(*owner.watch_loss().borrow(), None);
}

#[tokio::test(start_paused = true)]
async fn three_restarts_in_a_row_cost_an_owner_one_connection_each_and_no_message() {
    let (owner, mut server, mut peer) = at_three().await;
    let ticket = soon(owner.send(bell(4))).await.unwrap();
    let asked = peer.asked().await;
    let mut known = "e";
    for epoch in ["f", "g", "h"] {
        peer.closes(1012, "restart").await;
        peer = server.accept().await;
        let own = peer.owned(json!({"how": "resumed", "epoch": epoch, "seq": 3})).await;
        assert_eq!(own["cursor"], written(known, 3));
        assert_eq!(peer.asked().await, asked, "it is sent again under its id");
        known = epoch;
    }
    peer.acks(&asked, 4).await;
    assert_eq!(soon(ticket).await.unwrap().get(), 4);
    assert_eq!((owner.cursor(), owner.status()), (cursor("h", 4), Status::Live));
    assert_eq!(*owner.watch_loss().borrow(), None);
}

#[tokio::test(start_paused = true)]
async fn a_program_is_told_once_and_with_the_state_that_acknowledged_messages_are_gone() {
    let (owner, mut server, mut peer) = at_three().await;
    let mut losses = owner.watch_loss();
    assert_eq!(*losses.borrow_and_update(), None);
    let ticket = soon(owner.send(bell(4))).await.unwrap();
    let asked = peer.asked().await;
    peer.cuts().await;
    let reset = || json!({"how": "reset", "reason": "epoch", "epoch": "f", "seq": 2, "replay": 2});
    // Cut before the state has come, nothing has changed.
    let mut peer = server.accept().await;
    peer.owned(reset()).await;
    peer.says(state(1)).await;
    peer.is_heard().await;
    assert!(!losses.has_changed().unwrap());
    assert_eq!((owner.cursor(), owner.state().seq().get()), (cursor("e", 3), 3));
    peer.cuts().await;
    let mut peer = server.accept().await;
    let own = peer.owned(reset()).await;
    assert_eq!(own["cursor"], written("e", 3));
    peer.says(state(1)).await;
    peer.says(state(2)).await;
    let Loss { reason, acked, seq } = loss(&mut losses).await;
    assert_eq!((reason, acked, seq.get()), (ResetReason::Epoch, cursor("e", 3), 2));
    assert_eq!((owner.cursor(), owner.state().seq().get(), owner.state().len()), (cursor("f", 2), 2, 2));
    // The unacknowledged message is sent again.
    assert_eq!(peer.asked().await, asked);
    peer.acks(&asked, 3).await;
    assert_eq!(soon(ticket).await.unwrap().get(), 3);
    assert_eq!(owner.cursor(), cursor("f", 3));
    peer.cuts().await;
    let mut peer = server.accept().await;
    let own = peer.owned(json!({"how": "resumed", "epoch": "f", "seq": 3})).await;
    assert_eq!(own["cursor"], written("f", 3));
    is_live(&owner).await;
    assert!(!losses.has_changed().unwrap(), "it was reported once");
}

#[tokio::test(start_paused = true)]
async fn each_loss_is_told_with_its_reason_before_the_owner_is_live_again() {
    let (owner, mut server, mut peer) = at_three().await;
    let mut losses = owner.watch_loss();
    let mut known = cursor("e", 3);
    for (seq, (word, reason)) in (1..).zip([
        ("epoch", ResetReason::Epoch),
        ("future", ResetReason::Future),
        ("malformed", ResetReason::Malformed),
        ("news", ResetReason::Other),
    ]) {
        peer.cuts().await;
        peer = server.accept().await;
        let epoch = format!("life {seq}");
        peer.owned(json!({"how": "reset", "reason": word, "epoch": epoch, "seq": seq})).await;
        is_live(&owner).await;
        let told = losses.borrow_and_update().clone().unwrap();
        assert_eq!((told.reason, told.acked, told.seq.get()), (reason, known, seq));
        known = cursor(&epoch, seq);
        assert_eq!(owner.cursor(), known);
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_that_kept_its_cursor_learns_of_a_loss_as_soon_as_it_owns_the_room() {
    let reset = json!({"how": "reset", "reason": "future", "epoch": "f", "seq": 2});
    let (owner, ..) = Server::owner_after(cursor("e", 7), reset).await;
    let told = owner.watch_loss().borrow().clone().unwrap();
    assert_eq!((told.reason, told.acked, told.seq.get()), (ResetReason::Future, cursor("e", 7), 2));
    assert_eq!(owner.cursor(), cursor("f", 2));
    assert!(owner.watch_loss().has_changed().unwrap(), "a receiver that waits for a change gets it");

    let resumed = json!({"how": "resumed", "epoch": "f", "seq": 9});
    let (owner, mut server, peer) = Server::owner_after(cursor("e", 7), resumed).await;
    assert_eq!((owner.cursor(), owner.watch_loss().borrow().clone()), (cursor("f", 7), None));
    peer.cuts().await;
    let own = server.accept().await.owned(json!({"how": "resumed", "epoch": "f", "seq": 9})).await;
    assert_eq!(own["cursor"], written("f", 7));
}

#[tokio::test(start_paused = true)]
async fn another_lease_of_a_cluster_is_taken_with_the_number_that_belongs_to_it() {
    let resumed = || json!({"how": "resumed", "epoch": "f", "seq": 5, "replay": 2});
    let reset = || json!({"how": "reset", "reason": "epoch", "epoch": "f", "seq": 5, "replay": 2});
    let whole = || json!({"how": "resumed", "seq": 3});
    for (name, answer, then, expected) in [
        ("in the room", whole(), vec![lease("g")], ("g", 3)),
        ("twice in the room", whole(), vec![lease("g"), lease("h")], ("h", 3)),
        ("without another epoch", whole(), vec![json!({"type": "owner", "status": "live", "term": 2})], ("e", 3)),
        ("in the middle of the state of a resume", resumed(), vec![state(1), lease("g")], ("g", 3)),
        ("in that of a resume that became whole", resumed(), vec![lease("g"), state(1), state(4)], ("g", 3)),
        ("in the middle of the state of a reset", reset(), vec![state(1), lease("g")], ("e", 3)),
        ("in that of a reset that became whole", reset(), vec![lease("g"), state(1), state(4)], ("g", 5)),
    ] {
        let (owner, mut server, peer) = at_three().await;
        peer.cuts().await;
        let mut peer = server.accept().await;
        peer.owned(answer).await;
        for text in then {
            peer.says(text).await;
        }
        peer.cuts().await;
        let own = server.accept().await.owned(json!({"how": "resumed"})).await;
        let (epoch, seq) = expected;
        assert_eq!(own["cursor"], written(epoch, seq), "{name}");
        drop(owner);
    }
    // Before the answer it belongs to nothing.
    let (_owner, mut server, peer) = at_three().await;
    peer.cuts().await;
    let mut peer = server.accept().await;
    peer.asked().await;
    peer.says(lease("g")).await;
    peer.cuts().await;
    let own = server.accept().await.owned(json!({"how": "resumed"})).await;
    assert_eq!(own["cursor"], written("e", 3));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_of_cursors_is_believed_as_before() {
    let (owner, mut server, peer) = at_three().await;
    peer.cuts().await;
    // The same numbering, in which another owner has published more.
    let mut peer = server.accept().await;
    peer.owns(2, 5).await;
    is_live(&owner).await;
    assert_eq!(owner.cursor(), cursor("e", 3));
    peer.cuts().await;
    // Another numbering, in which the older number means nothing. Such a server does not report that.
    let mut peer = server.accept().await;
    peer.owned(json!({"epoch": "f", "seq": 4, "replay": 1})).await;
    assert_eq!(owner.cursor(), cursor("e", 3));
    peer.sets(2, "a").await;
    is_live(&owner).await;
    assert_eq!(owner.cursor(), cursor("f", 4));
    assert_eq!(*owner.watch_loss().borrow(), None);
}
