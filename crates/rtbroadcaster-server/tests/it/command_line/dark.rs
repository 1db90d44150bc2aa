//! `publish --stay` and `watch` behind a proxy that stops forwarding and keeps its sockets open; new connections work.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::slide;
use crate::process::Process;
use crate::server::{Server, program};

/// How long coming back may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// A proxy before a server, as long as the test runs.
struct Proxy {
    url: String,
    darkness: watch::Sender<u32>,
}

impl Proxy {
    async fn open(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/broadcasting", listener.local_addr().unwrap());
        let darkness = watch::channel(0).0;
        let dark = darkness.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut dark = dark.subscribe();
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(target).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = dark.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Self { url, darkness }
    }

    fn goes_dark(&self) {
        self.darkness.send_modify(|times| *times += 1);
    }
}

/// Without pings of clients a path is found dark after two of these.
async fn server() -> Server {
    Server::started_by(&mut program(), &["--ping-interval", "1s", "--owner-grace", "7s"]).await
}

#[tokio::test]
async fn an_owner_that_stays_keeps_its_room_and_says_everything() {
    let server = server().await;
    let proxy = Proxy::open(server.address).await;
    let mut publisher = Process::start(&["publish", "--stay", &proxy.url]);
    let room = publisher.json().await["room"].as_str().unwrap().to_owned();
    let mut watcher = Process::start(&["watch", &server.url, &room]);
    assert_eq!(watcher.json().await["type"], "state");
    for number in 1..=3_u32 {
        publisher.say(&slide(number).to_string()).await;
        let mut checks = 0;
        let acked = loop {
            let line = publisher.json_within(LIMIT).await;
            if line["type"] != "connection" {
                break line;
            }
            let expected = ["checking", "live"][checks % 2];
            assert_eq!(line, json!({"type": "connection", "status": expected}), "once for each occasion");
            checks += 1;
        };
        assert_eq!(acked["seq"], number, "{acked}");
        proxy.goes_dark();
    }
    publisher.notes("the connection was lost").await;
    // After a probe has ended a connection, the next probe has more time, so this note comes before the second end.
    publisher.notes("no sign of life from").await;
    let mut seen = 0;
    while seen < 3 {
        let line = watcher.json_within(LIMIT).await;
        if line["type"] == "message" {
            seen += 1;
            assert_eq!((&line["seq"], &line["params"]), (&json!(seen), &json!([seen])), "once and in order");
        } else if line["type"] != "connection" {
            assert_eq!(line["type"], "owner", "{line}");
        }
    }
}

#[tokio::test]
async fn a_watcher_hears_everything_once() {
    let server = server().await;
    let proxy = Proxy::open(server.address).await;
    let mut publisher = Process::start(&["publish", &server.url]);
    let room = publisher.json().await["room"].as_str().unwrap().to_owned();
    let mut watcher = Process::start(&["watch", &proxy.url, &room]);
    assert_eq!(watcher.json().await["type"], "state");
    for number in 1..=2_u32 {
        proxy.goes_dark();
        publisher.say(&slide(number).to_string()).await;
        publisher.json().await;
        let line = loop {
            let line = watcher.json_within(LIMIT).await;
            if line["type"] != "connection" {
                break line;
            }
        };
        assert_eq!((&line["seq"], &line["params"]), (&json!(number), &json!([number])), "{line}");
        watcher.notes("the connection is alive").await;
    }
}
