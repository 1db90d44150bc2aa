//! The state that a slow viewer gets again counts for its address.

use std::net::SocketAddr;
use std::time::Duration;

use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::message::Message;
use tokio::io::AsyncReadExt;

use super::*;

#[tokio::test]
async fn the_state_that_a_slow_viewer_gets_counts_for_its_address_and_is_not_refused() {
    let config = Config {
        backlog_bytes_max: Limit::Max(10_000),
        replay_bytes_per_address_per_second: Limit::Max(100),
        ..Config::default()
    };
    let manager = Manager::new(config);
    let owner = manager.create_room().await.unwrap();
    let address = SocketAddr::from(([192, 0, 2, 1], 50_000));
    let place = Some(AddressBlock::from(address.ip()));
    let (stream, mut peer) = tokio::io::duplex(64);
    let ticket = manager.server().admit(Some(address)).unwrap();
    let join = frame(&format!(r#"{{"type":"join","id":"j","room":"{}"}}"#, owner.room()));
    let now = tokio::time::Instant::now();
    Client::serve(
        manager.server(),
        Socket::Stream(Box::new(stream)),
        &join,
        &v2::DIALECT,
        Permit::anything(),
        now,
        ticket,
    );
    let mut begin = [0; 16];
    peer.read_exact(&mut begin).await.unwrap();
    assert!(manager.server().may_replay(place), "an empty state costs nothing");

    owner.publish(Message::state("deck", ["x".repeat(2_000)])).await.unwrap();
    for _ in 0..20 {
        owner.publish(Message::event("bell", ["x".repeat(1_000)])).await.unwrap();
    }
    tokio::task::yield_now().await;
    assert!(manager.server().may_replay(place), "it has not taken what it may have before");
    let mut came = Vec::new();
    let reset = br#"{"type":"reset","reason":"slow""#;
    let reading = async {
        while !came.windows(reset.len()).any(|part| part == reset) {
            assert!(peer.read_buf(&mut came).await.unwrap() > 0, "closed instead");
        }
    };
    tokio::time::timeout(Duration::from_secs(5), reading).await.expect("no reset came");
    assert!(!manager.server().may_replay(place), "the state costs its bytes");
    assert!(manager.server().may_replay(None), "nobody knows where this one is");
}
