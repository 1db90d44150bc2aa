//! The contract of a shared log and the settings of its stream, on real NATS servers. `cargo xtask nats` installs these
//! and runs the tests.

use std::sync::Arc;
use std::time::Duration;

use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::limit::Limit;
use tokio::sync::watch;

use super::feed::Followers;
use super::proof::{Sources, Unproven};
use super::settings::Settings;
use super::test_accounts;
use super::test_server::{NatsCluster, NatsServer, eventually};
use super::{Nats, NatsError};
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

#[tokio::test]
#[ignore = "needs nats-server: cargo xtask nats"]
async fn nats_that_syncs_each_write_is_proven_and_one_server_that_does_not_is_named() {
    let (synced, unsynced) = (NatsCluster::start_synced(None), NatsCluster::start_synced(Some(1)));
    for ((cluster, monitors), is_synced) in [(synced, true), (unsynced, false)] {
        let nats = cluster.nats().monitors(monitors.clone()).require_durable();
        let settings = Settings::of(&nats, &Config::default()).unwrap();
        let client = nats.connect(&Arc::new(Followers::default()), watch::Sender::new(true)).await.unwrap();
        let outcome = eventually(async || match settings.ensure(&client).await {
            Err(error @ (NatsError::Unreachable | NatsError::NotDurable(Unproven::Monitor { .. }))) => Err(error),
            outcome => Ok(outcome),
        });
        match outcome.await {
            Ok(_) => assert!(is_synced),
            Err(NatsError::NotDurable(Unproven::Unsynced(server))) => assert!(!is_synced && server.starts_with('s')),
            Err(error) => panic!("{error:?}"),
        }
        // Two of three are not enough.
        let nats = cluster.nats().monitors(&monitors[..1]).require_durable();
        let settings = Settings::of(&nats, &Config::default()).unwrap();
        assert!(matches!(settings.ensure(&client).await, Err(NatsError::NotDurable(_))));
        // Without being required, it is the level below.
        let settings = Settings::of(&cluster.nats(), &Config::default()).unwrap();
        assert!(settings.ensure(&client).await.is_ok());
    }
}

#[tokio::test]
#[ignore = "needs nats-server: cargo xtask nats"]
async fn nats_tells_on_the_system_account_how_it_syncs() {
    let (server, credentials) = test_accounts::start();
    let sources = Sources { system: Some(credentials), urls: server.url(), ..Sources::default() };
    eventually(async || sources.prove(&["alone".into()]).await).await;
    let other = sources.prove(&["alone".into(), "other".into()]).await;
    assert!(matches!(&other, Err(Unproven::Unheard(server)) if server == "other"), "{other:?}");
}

/// As while a cluster starts: each server says that its cluster has no leader yet.
#[tokio::test]
#[ignore = "needs nats-server: cargo xtask nats"]
async fn nats_whose_majority_is_missing_is_waited_for() {
    let NatsCluster([alone, mut second, mut third]) = NatsCluster::start();
    second.kill();
    third.kill();
    let nats = Nats::at(alone.url()).replicas(3);
    let settings = Settings::of(&nats, &Config::default()).unwrap();
    let client = nats.connect(&Arc::new(Followers::default()), watch::Sender::new(true)).await.unwrap();
    for _ in 0..3 {
        let outcome = settings.ensure(&client).await;
        assert!(matches!(outcome, Err(NatsError::Unreachable)), "{outcome:?}");
    }
    second.run();
    third.run();
    eventually(|| settings.ensure(&client)).await;
}
