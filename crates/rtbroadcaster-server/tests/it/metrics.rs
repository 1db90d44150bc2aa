//! The metrics of the server.

use std::collections::HashMap;
use std::net::SocketAddr;

use serde_json::json;
use tokio::process::Command;

use crate::client::Client;
use crate::connection::Connection;
use crate::server::{DEADLINE, Server, program, soon};

/// A server with metrics, and their address.
async fn watched(arguments: &[&str]) -> (Server, SocketAddr) {
    let mut server =
        Server::started_by(&mut program(), &[&["--admin-listen", "127.0.0.1:0"], arguments].concat()).await;
    let line = server.said().await;
    let address = line.trim().strip_prefix("Metrics    http://").and_then(|rest| rest.strip_suffix("/metrics"));
    let address = address.unwrap_or_else(|| panic!("no address of metrics: {line}")).parse().unwrap();
    (server, address)
}

/// All samples by their names with their labels, as the text format 0.0.4 has them; any other line is a failure.
fn parse(text: &str) -> HashMap<String, f64> {
    let mut samples = HashMap::new();
    let (mut helped, mut typed) = (String::new(), (String::new(), String::new()));
    assert!(text.ends_with('\n') && !text.contains("\n\n"), "lines end, and none is empty");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect(line);
            assert!(!help.is_empty(), "{line}");
            helped = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect(line);
            assert_eq!(name, helped, "{line}");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            typed = (name.to_owned(), kind.to_owned());
        } else {
            let (sample, value) = line.rsplit_once(' ').expect(line);
            let (name, labels) = sample.split_once('{').unwrap_or((sample, "}"));
            let base = name.strip_prefix(typed.0.as_str()).expect(line);
            let suffixes: &[&str] = if typed.1 == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(suffixes.contains(&base), "{line}");
            let labels = labels.strip_suffix('}').expect(line);
            for label in labels.split(',').filter(|label| !label.is_empty()) {
                let (name, value) = label.split_once('=').expect(line);
                assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
                assert!(value.len() >= 2 && value.starts_with('"') && value.ends_with('"'), "{line}");
            }
            let value: f64 = value.parse().expect(line);
            assert!(value >= 0.0, "{line}");
            assert!(samples.insert(sample.to_owned(), value).is_none(), "twice: {line}");
        }
    }
    samples
}

/// The metrics now.
async fn scrape(address: SocketAddr) -> HashMap<String, f64> {
    let answer = Connection::open_at(address).await.ask("GET /metrics", "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    parse(&answer.body)
}

/// Waits until `name` has this value, and returns all metrics then.
async fn scrape_until(address: SocketAddr, name: &str, value: f64) -> HashMap<String, f64> {
    let mut told = HashMap::new();
    let holds = async {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(5));
        loop {
            ticks.tick().await;
            told = scrape(address).await;
            if told[name] == value {
                return;
            }
        }
    };
    assert!(tokio::time::timeout(DEADLINE, holds).await.is_ok(), "{name} is {} and not {value}", told[name]);
    told
}

#[tokio::test]
async fn every_line_can_be_read_and_what_happened_is_in_it() {
    let (server, address) = watched(&[]).await;
    let before = scrape(address).await;
    assert!(before.keys().all(|name| name.starts_with("rtbroadcaster_") || name.starts_with("process_")));
    assert!(before["process_resident_memory_bytes"] > 1_000_000.0, "{before:?}");
    assert!(before["process_cpu_seconds_total"] > 0.0 && before["process_start_time_seconds"] > 1.7e9);
    assert!(before["process_open_fds"] >= 3.0 && before["process_open_fds"] < before["process_max_fds"]);

    let (mut owner, room) = Client::owner(&server).await;
    let mut viewer = Client::viewer(&server, &room).await;
    let message =
        json!({"uuid": room, "status": {"value": 3}, "funcKey": "slide", "funcParams": [1], "stateMessage": true});
    owner.say(message).await;
    viewer.hear().await;
    let written = "rtbroadcaster_apply_to_written_seconds";
    let told = scrape_until(address, &format!("{written}_count"), 1.0).await;
    for (name, value) in [
        ("rtbroadcaster_connections", 2.0),
        ("rtbroadcaster_connections_opened_total", 2.0),
        ("rtbroadcaster_rooms", 1.0),
        ("rtbroadcaster_viewers", 1.0),
        ("rtbroadcaster_messages_total{kind=\"state\"}", 1.0),
        ("rtbroadcaster_messages_total{kind=\"event\"}", 0.0),
        ("rtbroadcaster_sent_frames_total", 3.0),
        ("rtbroadcaster_backlog_bytes", 0.0),
        ("rtbroadcaster_resumes_total{outcome=\"snapshot\",reason=\"\"}", 1.0),
        ("rtbroadcaster_resumes_total{outcome=\"reset\",reason=\"slow\"}", 0.0),
        ("rtbroadcaster_panics_total", 0.0),
    ] {
        assert_eq!(told[name], value, "{name}");
    }
    assert_eq!(told[&format!("{written}_bucket{{le=\"+Inf\"}}")], 1.0);
    assert!(told["process_open_fds"] > before["process_open_fds"], "two connections more");
    // Nothing that only grows has shrunk, and there are no new series.
    for (name, value) in &before {
        assert!(!name.contains("_total") || told[name] >= *value, "{name}");
    }
    assert_eq!(before.len(), told.len());
    assert!(told.len() <= 130, "{} series", told.len());

    owner.say(json!({"uuid": room, "status": {"value": 4}})).await;
    viewer.hear().await;
    assert_eq!(viewer.end().await, 1000);
    drop((owner, viewer));
    let told = scrape_until(address, "rtbroadcaster_connections", 0.0).await;
    assert_eq!(told["rtbroadcaster_closes_total{code=\"1000\",reason=\"done\"}"], 2.0);
    assert_eq!(told["rtbroadcaster_rooms"], 0.0);
    assert!(told.keys().all(|name| !name.contains(&room)), "no label names a room");
}

#[tokio::test]
async fn the_address_serves_metrics_and_health_only_and_the_other_one_has_no_metrics() {
    let (server, address) = watched(&[]).await;
    for (request, status) in [
        ("HEAD /metrics", 200),
        ("GET /metrics?a=b", 200),
        ("GET /", 404),
        ("GET /healthz", 200),
        ("GET /readyz", 200),
        ("GET /broadcasting", 404),
        ("GET /metrics/", 404),
    ] {
        assert_eq!(Connection::open_at(address).await.status(request).await, status, "{request}");
    }
    let wrong = Connection::open_at(address).await.ask("POST /metrics", "Content-Length: 0\r\n").await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET,HEAD")));
    // A page that gave its own name this machine's address (DNS rebinding).
    let rebound = Connection::open_at(address).await.ask_host("GET /metrics", "evil.test").await;
    assert_eq!(rebound.status, 403);
    let many = "A: b\r\n".repeat(70);
    assert_eq!(Connection::open_at(address).await.ask("GET /metrics", &many).await.status, 431);
    assert_eq!(Connection::open(&server).await.ask("GET /metrics", "").await.status, 404);
    let (came, age) = Connection::open_at(address).await.ended().await;
    assert!(came.is_empty() && age < std::time::Duration::from_secs(6), "who says nothing is closed: {age:?}");
}

#[tokio::test]
async fn an_admin_address_in_use_is_a_plain_error() {
    let (_server, address) = watched(&[]).await;
    let address = address.to_string();
    let output = soon(
        "the refusal",
        program().args(["--listen", "127.0.0.1:0", "--admin-listen", &address, "--connections-max", "9"]).output(),
    );
    let output = output.await.unwrap();
    let expected = format!(
        "rtbroadcaster: cannot listen on {address}: another program uses this address. \
         Stop it, or choose another address with --admin-listen (port 0 takes a free one)\n"
    );
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
}

#[tokio::test]
async fn metrics_are_served_until_the_last_client_is_gone() {
    let (mut server, address) = watched(&[]).await;
    let mut holder = Connection::open(&server).await;
    assert_eq!(holder.upgrade("").await.status, 101);
    holder.say(r#"{"status":{"value":1}}"#).await;
    holder.byte().await;
    server.signal("TERM").await;
    server.log_has("shutting down").await;
    assert_eq!(scrape(address).await["rtbroadcaster_connections"], 1.0);
    for (request, status) in [("GET /readyz", 503), ("GET /healthz", 200)] {
        assert_eq!(Connection::open_at(address).await.status(request).await, status, "{request}");
    }
    drop(holder);
    assert_eq!(server.exit().await.code(), Some(0));
}

#[tokio::test]
async fn the_address_may_come_from_a_variable() {
    let mut command: Command = program();
    command.env("RTB_ADMIN_LISTEN", "127.0.0.1:0");
    let mut server = Server::started_by(&mut command, &[]).await;
    assert!(server.said().await.contains("/metrics"));
}
