//! What the system refuses the server, and what it makes of it.

use tokio::process::Command;

use crate::client::Client;
use crate::connection::Connection;
use crate::server::{Server, program, soon};

#[tokio::test]
async fn a_port_in_use_is_told_plainly() {
    let server = Server::start().await;
    let address = server.address.to_string();
    let output =
        soon("the refusal", program().args(["--listen", &address, "--connections-max", "100"]).output()).await.unwrap();
    let expected = format!(
        "rtbroadcaster: cannot listen on {address}: another program does. \
         Stop it, or choose another address with --listen (port 0 takes a free one)\n"
    );
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
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
    // One line a second at most, however often it tries; the second one tells how often that was.
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
