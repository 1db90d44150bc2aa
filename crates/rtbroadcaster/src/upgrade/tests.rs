//! What is the same for the ready handler and for those of applications.

use futures_util::FutureExt;
use rtbroadcaster_core::config::Config;

use super::*;

#[tokio::test]
async fn handlers_of_an_application_pass_the_turnstile_of_handshakes() {
    let manager = Manager::new(Config::default());
    let closed = manager.server().close_handshakes().await;
    let no_handshake = Upgrade(Err(UpgradeError::NotUpgradable));
    let mut accepted = Box::pin(no_handshake.accept::<String>(&manager, Permit::anything()));
    assert!(accepted.as_mut().now_or_never().is_none(), "not its turn");
    drop(closed);
    assert_eq!(accepted.await.status(), 400);
}
