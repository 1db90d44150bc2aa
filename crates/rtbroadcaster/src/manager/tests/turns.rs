//! Who waits while thousands come.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::time::{Instant, timeout};

use super::*;

/// A client that has said `text`.
fn client(manager: &Manager, text: &str) -> DuplexStream {
    let (stream, peer) = tokio::io::duplex(4_096);
    let ticket = manager.server().admit(None).unwrap();
    let socket = Socket::Stream(Box::new(stream));
    Client::serve(manager.server(), socket, &frame(text), &v2::DIALECT, Permit::anything(), Instant::now(), ticket);
    peer
}

/// Waits until `word` has come.
async fn hear(peer: &mut DuplexStream, word: &str) {
    let mut came = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&came).contains(word) {
            assert!(peer.read_buf(&mut came).await.unwrap() > 0, "closed instead");
        }
    };
    timeout(Duration::from_secs(5), reading).await.unwrap_or_else(|_| panic!("no {word} came"));
}

#[tokio::test]
async fn a_join_waits_for_its_turn_and_owners_are_served_meanwhile() {
    let manager = Manager::new(Config::default());
    let owner = manager.create_room().await.unwrap();
    let (room, key) = (owner.room(), owner.key().unwrap().as_str().to_owned());
    let closed = manager.server().close_joins().await;
    let join = format!(r#"{{"type":"join","id":"j","room":"{room}"}}"#);
    let mut viewers: Vec<_> = (0..20).map(|_| client(&manager, &join)).collect();
    hear(&mut client(&manager, r#"{"type":"create","id":"c"}"#), "created").await;
    let own = format!(r#"{{"type":"own","id":"o","room":"{room}","ownerKey":"{key}"}}"#);
    hear(&mut client(&manager, &own), "owned").await;
    assert!(viewers.iter_mut().all(|viewer| viewer.read_u8().now_or_never().is_none()), "nobody was answered");
    assert_eq!(manager.room(&room).unwrap().viewers, 0);

    drop(closed);
    for viewer in &mut viewers {
        hear(viewer, "joined").await;
    }
    assert_eq!(manager.room(&room).unwrap().viewers, 20);
}
