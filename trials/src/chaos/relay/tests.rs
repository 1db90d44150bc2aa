//! Paths, and the faults that a relay makes, against a server that echoes.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::*;

const SOON: Duration = Duration::from_secs(10);

/// Long enough for anything carried on this machine, and short enough for a test to wait for nothing.
const NOTHING: Duration = Duration::from_millis(100);

#[test]
fn each_path_has_an_address_and_no_other_address_is_a_path() {
    for path in [0, 1, 253, 254, 10_000, PATHS_MAX - 1] {
        assert_eq!(path_of(address_of(path).into()), Some(path));
    }
    for address in ["127.0.0.1", "127.64.0.0", "127.64.0.255", "192.168.0.1", "::1"] {
        assert_eq!(path_of(address.parse().unwrap()), None, "{address}");
    }
}

/// Starts a server that echoes, and a relay before it.
async fn stand(shape: RelayOptions) -> Relay {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = client.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    Relay::open_as(target, shape).await.unwrap()
}

async fn connect(relay: &Relay, path: u32) -> TcpStream {
    TcpStream::connect((address_of(path), relay.port)).await.unwrap()
}

/// Returns whether a byte comes back.
async fn echoes(client: &mut TcpStream) -> bool {
    let echoed = async {
        client.write_all(b"x").await?;
        client.read_exact(&mut [0]).await
    };
    timeout(SOON, echoed).await.unwrap().is_ok()
}

#[tokio::test]
async fn a_cut_meets_its_own_path_only() {
    let relay = stand(RelayOptions { paths: 2, sources: 3, ..RelayOptions::default() }).await;
    let (mut one, mut other) = (connect(&relay, 0).await, connect(&relay, 1).await);
    assert!(echoes(&mut one).await && echoes(&mut other).await);
    relay.enter(PathEntry::Reset, Some(0));
    relay.cut_path(0, PathFault::Reset);
    let error = timeout(SOON, one.read(&mut [0])).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(echoes(&mut other).await);
    assert!(!echoes(&mut connect(&relay, 0).await).await);
    relay.enter(PathEntry::Open, Some(0));
    assert!(echoes(&mut connect(&relay, 0).await).await);
    assert_eq!((relay.attempts(0).len(), relay.attempts(1).len(), relay.connections()), (3, 1, 2));
}

#[tokio::test]
async fn a_dark_connection_stays_open_and_carries_nothing_in_its_direction() {
    for dark in Dark::ALL {
        let relay = stand(RelayOptions::default()).await;
        let mut client = connect(&relay, 0).await;
        assert!(echoes(&mut client).await);
        relay.cut(PathFault::Dark(dark), None);
        client.write_all(b"x").await.unwrap();
        let heard = timeout(NOTHING, client.read(&mut [0])).await;
        assert!(heard.is_err(), "{dark:?}: {heard:?}");
        assert_eq!(relay.connections(), 1);
        assert!(echoes(&mut connect(&relay, 0).await).await, "{dark:?}: new connections are carried");
    }
}

#[tokio::test]
async fn a_held_connection_is_carried_once_the_path_is_open() {
    let relay = stand(RelayOptions::default()).await;
    relay.enter(PathEntry::Held, None);
    let mut client = connect(&relay, 0).await;
    client.write_all(b"x").await.unwrap();
    assert!(timeout(NOTHING, client.read(&mut [0])).await.is_err());
    relay.enter(PathEntry::Open, None);
    assert_eq!(timeout(SOON, client.read(&mut [0])).await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn an_unavailable_path_answers_503_at_once() {
    let relay = stand(RelayOptions::default()).await;
    relay.enter(PathEntry::Unavailable, None);
    let mut client = connect(&relay, 0).await;
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(SOON, client.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}

#[tokio::test]
async fn a_slow_path_takes_its_time() {
    let relay = stand(RelayOptions { bytes_per_second: Some(10_000), ..RelayOptions::default() }).await;
    let mut client = connect(&relay, 0).await;
    let begun = Instant::now();
    client.write_all(&[7; 2_000]).await.unwrap();
    timeout(SOON, client.read_exact(&mut [0; 2_000])).await.unwrap().unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
}
