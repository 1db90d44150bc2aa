//! A room under given settings, on a paused clock: a viewer joins, gets the owner's messages and stays while pings
//! come. All deadlines of the settings are checked.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rtbroadcaster::{Config, Limit, Manager, Message, Permit, PublishError, Upgrade};
use tokio::io::DuplexStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::Settings;

type Viewer = WebSocketStream<DuplexStream>;

/// The most pings of a trial: a day with ten pings a second would take minutes.
const PINGS_MAX: u32 = 3_000;

/// The margin around a deadline.
const MARGIN: Duration = Duration::from_secs(2);

/// Checks that rooms live and end under `settings` as these say.
pub(super) fn check(settings: &Settings) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(live(&settings.config));
}

async fn live(config: &Config) {
    let manager = Manager::new(config.clone());
    assert_eq!(manager.config(), config, "the library takes the values as they are");
    let flush_interval = config.flush_interval.max().unwrap_or_default();
    let owner = manager.create_room().await.unwrap();
    let mut viewer = connect(&manager).await;
    let join = format!(r#"{{"type":"join","id":"1","room":"{}"}}"#, owner.room());
    viewer.send(join.into()).await.unwrap();
    let joined = hear(&mut viewer, Duration::ZERO).await;
    let alive = format!(r#""aliveMs":{}"#, config.heartbeat().unwrap_or_default().as_millis());
    assert!(joined.contains(r#""type":"joined""#) && joined.contains(&alive), "{joined}");
    match owner.publish(Message::state("slide", [1]).unwrap()).await {
        Ok(_) => {
            let slide = hear(&mut viewer, flush_interval).await;
            assert!(slide.contains("slide"), "{slide}");
        }
        // A state of a few bytes may be too small for one message.
        Err(error) => assert_eq!(error, PublishError::StateFull, "{config:?}"),
    }
    // It reads, so it answers the pings.
    let reading = tokio::spawn(async move { while let Some(Ok(_)) = viewer.next().await {} });
    let pings = config.heartbeat().unwrap_or_default() * 5;
    if can_pass(config, pings) {
        sleep(pings + MARGIN).await;
    }
    assert_eq!(
        (manager.connections(), reading.is_finished()),
        (1, false),
        "a viewer that answers pings is not closed: {config:?}"
    );

    drop(owner);
    if let Some(grace) = config.owner_grace.max().filter(|grace| can_pass(config, *grace)) {
        sleep(grace.saturating_sub(MARGIN)).await;
        assert_eq!(manager.rooms().len(), 1, "it waits for its owner: {config:?}");
        sleep(2 * MARGIN).await;
        assert_eq!(manager.rooms().len(), 0, "the grace is over: {config:?}");
        // The room's end is queued behind the messages.
        timeout(flush_interval + MARGIN, reading).await.expect("the viewer is told").unwrap();
        be_silent(&manager, config).await;
    } else {
        sleep(Duration::from_secs(1)).await;
        assert_eq!(manager.rooms().len(), 1, "it waits for its owner: {config:?}");
    }
    assert_eq!(manager.metrics().panics, 0, "{config:?}");
    manager.shutdown().await;
}

/// A connection that says nothing is closed in time, and not before.
async fn be_silent(manager: &Manager, config: &Config) {
    let deadlines = [config.first_message_timeout, config.join_timeout].into_iter().filter_map(Limit::max);
    let Some(deadline) = deadlines.min().filter(|time| can_pass(config, *time)) else { return };
    let mut silent = connect(manager).await;
    let early = timeout(deadline / 2, silent.next()).await;
    assert!(early.is_err(), "closed early: {early:?} {config:?}");
    timeout(deadline / 2 + MARGIN, async { while let Some(Ok(_)) = silent.next().await {} })
        .await
        .unwrap_or_else(|_| panic!("not closed in time: {config:?}"));
}

/// Returns whether so much paused time passes quickly enough for a test.
fn can_pass(config: &Config, time: Duration) -> bool {
    config.heartbeat().is_none_or(|interval| time <= interval.saturating_mul(PINGS_MAX))
}

/// Returns a connection in memory.
async fn connect(manager: &Manager) -> Viewer {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let manager = manager.clone();
    tokio::spawn(async move {
        let answer = service_fn(async |mut request: Request<Incoming>| {
            let response: axum::response::Response = match Upgrade::new(&mut request) {
                Ok(upgrade) => upgrade.accept(&manager, Permit::anything()).await,
                Err(error) => error.answer(&manager),
            };
            Ok::<_, Infallible>(response)
        });
        let _ = http1::Builder::new().serve_connection(TokioIo::new(far), answer).with_upgrades().await;
    });
    let mut request = "ws://localhost/broadcasting".into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "rtbroadcaster.v2".parse().unwrap());
    tokio_tungstenite::client_async(request, near).await.unwrap().0
}

/// Returns the next text, which comes after `delay`.
async fn hear(viewer: &mut Viewer, delay: Duration) -> String {
    let text = timeout(delay + MARGIN, async {
        loop {
            let message = viewer.next().await.expect("the connection ended").unwrap();
            if let Ok(text) = message.into_text()
                && text.starts_with('{')
                && !text.contains(r#""type":"alive""#)
            {
                return text.to_string();
            }
        }
    });
    text.await.expect("nothing came in time")
}
