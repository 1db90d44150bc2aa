//! What an idle client costs.

use super::*;
use crate::config::Config;

#[tokio::test]
async fn a_viewers_task_is_small() {
    let (stream, _peer) = tokio::io::duplex(16);
    let manager = Manager::new(Config::default());
    let socket = Socket::Stream(Box::new(stream));
    let mut client = Client::new(socket, Protocol::Classic, manager, Permit::anything(), Duration::ZERO);
    let bytes = std::mem::size_of_val(&client.run()) + std::mem::size_of::<Client>();
    assert!(bytes <= 1_024, "{bytes} bytes for each idle viewer");
    assert!(std::mem::size_of::<Outbox>() <= 128);
}
