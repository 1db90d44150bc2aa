//! The contract of a shared log and the settings of its stream, on real NATS servers. `cargo xtask nats` installs these
//! and runs the tests.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::limit::Limit;
use tokio::sync::watch;

use super::NatsError;
use super::feed::Followers;
use super::settings::Settings;
use super::test_server::{NatsServer, eventually};
use crate::engine::shared::contract::keeps_the_contract;

#[tokio::test]
#[ignore = "needs nats-server: cargo xtask nats"]
async fn nats_keeps_the_contract() {
    let server = NatsServer::start();
    keeps_the_contract([server.log().await, server.log().await]).await;
}

#[tokio::test]
#[ignore = "needs nats-server: cargo xtask nats"]
async fn nats_settings_are_read_back() {
    let server = NatsServer::start();
    let nats = server.nats();
    let (followers, settings) = (Arc::new(Followers::default()), Settings::of(&nats, &Config::default()).unwrap());
    let client = nats.connect(&followers, watch::Sender::new(true)).await.unwrap();
    let now = eventually(|| settings.ensure(&client)).await;
    let here = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(here.abs_diff(now) < Duration::from_secs(60), "{now:?}");
    // The same stream, but with less than this node needs.
    let more = Settings::of(
        &nats,
        &Config { owner_grace_max: Limit::Max(Duration::from_secs(90 * 86_400)), ..Config::default() },
    );
    assert!(matches!(more.unwrap().ensure(&client).await, Err(NatsError::Setting { setting: "max_age", .. })));
    let large = Config { message_bytes_max: Limit::Max(8 << 20), ..Config::default() };
    let large = Settings::of(&nats, &large).unwrap();
    assert!(matches!(large.ensure(&client).await, Err(NatsError::Payload { .. })));
}
