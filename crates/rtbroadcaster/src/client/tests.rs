//! What a client task does with what came behind the handshake.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout};

use super::*;
use crate::config::Config;

/// The buffer in which the web server read the handshake: it is there as long as anybody holds it.
struct Buffer {
    bytes: Vec<u8>,
    _held: Arc<()>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[tokio::test]
async fn what_came_behind_the_handshake_is_handled_and_its_buffer_given_back() {
    let opening = br#"{"status":{"value":1}}"#;
    let bytes = [&[0x81, 0x80 | 22, 0, 0, 0, 0][..], opening].concat();
    let held = Arc::new(());
    let first = Bytes::from_owner(Buffer { bytes, _held: Arc::clone(&held) });
    let (mut peer, stream) = tokio::io::duplex(1024);

    let manager = Manager::new(Config::default());
    manager.serve(Socket::Stream(Box::new(stream)), first, Protocol::Classic, Permit::anything(), Instant::now());
    let answer = timeout(Duration::from_secs(5), peer.read_u8()).await.unwrap().unwrap();
    assert_eq!((answer, manager.rooms().len()), (0x81, 1));
    assert_eq!(Arc::strong_count(&held), 1, "an idle connection holds no buffer");
}
