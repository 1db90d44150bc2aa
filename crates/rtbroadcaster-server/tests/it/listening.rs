//! Errors of the system, and how the server handles them.

use std::net::SocketAddr;

use tokio::process::Command;

use crate::client::Client;
use crate::connection::Connection;
use crate::server::{Server, program, soon};

#[tokio::test]
async fn a_port_in_use_is_a_plain_error() {
    let server = Server::start().await;
    let address = server.address.to_string();
    let output =
        soon("the refusal", program().args(["--listen", &address, "--connections-max", "100"]).output()).await.unwrap();
    let expected = format!(
        "rtbroadcaster: cannot listen on {address}: another program uses this address. \
         Stop it, or choose another address with --listen (port 0 takes a free one)\n"
    );
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
}

#[tokio::test]
async fn every_address_is_listened_on_and_announced_and_has_its_own_rule() {
    let flags = ["--listen", "localhost:0", "--listen", "0.0.0.0:0", "--admin-listen", "localhost:0"];
    let mut server = Server::started_by(&mut program(), &flags).await;
    let listening = server.announcement.lines().find_map(|line| line.trim().strip_prefix("Listening  ")).unwrap();
    let addresses: Vec<SocketAddr> = listening.split(", ").map(|address| address.parse().unwrap()).collect();
    assert!(addresses.len() >= 3, "the one of the test, those of localhost and all: {addresses:?}");
    let last = addresses.len() - 1;
    for (at, address) in addresses.into_iter().enumerate().filter(|(_, address)| address.is_ipv4()) {
        let status = |host: &'static str| async move {
            Connection::open_at(address).await.ask_host("GET /healthz", host).await.status
        };
        assert_eq!(status("localhost").await, 200, "{address}");
        assert_eq!(status("show.test").await, if at == last { 200 } else { 403 }, "{address}");
    }
    server.signal("TERM").await;
    assert!(server.exit().await.success());
}

#[tokio::test]
async fn a_platforms_port_is_one_on_all_interfaces() {
    let output = soon("the refusal", program().env("PORT", "3 000").output()).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("rtbroadcaster: variable PORT: `listen` cannot be `3 000`: expected a port"), "{said}");
    assert_eq!(output.status.code(), Some(2));
    let mut server = Server::started_without_address(program().env("PORT", "0")).await;
    assert!(server.log_has("listening").await.contains("0.0.0.0:"));
    assert_eq!(Connection::open(&server).await.ask("GET /healthz", "").await.status, 200);
}

#[tokio::test]
async fn a_server_without_file_descriptors_rests_and_goes_on() {
    let mut server = Server::start().await;
    let (mut owner, room) = Client::owner(&server).await;
    let mut viewer = Client::viewer(&server, &room).await;
    // The server knows of no limit that is lowered behind its start.
    let limit = Command::new("prlimit").args(["--pid", &server.pid(), "--nofile=32:32"]).status().await.unwrap();
    assert!(limit.success());
    let mut crowd = Vec::new();
    for _ in 0..40 {
        crowd.push(Connection::open(&server).await);
    }
    server.log_has("connection not accepted").await;
    // One line a second at most, however often it tries; the second one has the number of attempts.
    let second = server.log_has("connection not accepted").await;
    let unsaid = second.split("unsaid=").nth(1).unwrap().trim();
    let unsaid: u32 = unsaid.parse().expect(&second);
    assert!((1..=20).contains(&unsaid), "it neither gives up nor spins: {unsaid} attempts in a second");
    // The clients that are there lose nothing.
    for number in 0..10 {
        owner.ring(number).await;
        viewer.hear_ring(number).await;
    }
    // Those that wait are served when others leave, and long before the server gives up the silent ones.
    crowd.drain(..30);
    for mut waiting in crowd {
        assert_eq!(waiting.ask("GET /healthz", "").await.status, 200);
    }
    owner.ring(10).await;
    viewer.hear_ring(10).await;
    assert_eq!(Connection::open(&server).await.ask("GET /healthz", "").await.status, 200);
}
