//! The library's own clients and a server that is killed: connections are cut, servers start again on their directory,
//! the room changes its owner, and every viewer hears each event once and in order and ends with the owner's state. A
//! small version of `cargo xtask chaos --only remote`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rtbroadcaster::remote::{Heard, Messages, Options, Owner, PublishError, Viewer};
use rtbroadcaster::{Message, RoomOptions};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::server::{Server, program, soon};

/// How many cuts, messages between two of them, and after which ones something more happens.
const CUTS: u32 = 24;
const MESSAGES: u32 = 12;
const KILLED_AFTER: [u32; 2] = [6, 17];
const TAKEN_OVER_AFTER: u32 = 12;

/// An address that stays while servers change, and whose connections can be cut.
struct Relay {
    url: String,
    target: Arc<Mutex<SocketAddr>>,
    connections: Arc<Mutex<JoinSet<()>>>,
}

impl Relay {
    async fn open(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/broadcasting", listener.local_addr().unwrap());
        let (target, connections) = (Arc::new(Mutex::new(target)), Arc::<Mutex<JoinSet<()>>>::default());
        let relay = Self { url, target: Arc::clone(&target), connections: Arc::clone(&connections) };
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let target = *target.lock().unwrap();
                connections.lock().unwrap().spawn(async move {
                    // Without a server the client is cut.
                    if let Ok(mut server) = TcpStream::connect(target).await {
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        relay
    }

    fn cut(&self) {
        self.connections.lock().unwrap().abort_all();
    }
}

/// A directory that is removed after its test.
struct Directory(PathBuf);

impl Directory {
    async fn server(&self) -> Server {
        Server::started_by(&mut program(), &["--data-dir", self.0.to_str().unwrap()]).await
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // The system clears what cannot be removed now.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn options() -> Options {
    let mut options = Options::default();
    (options.backoff_first, options.backoff_max) = (Duration::from_millis(5), Duration::from_millis(40));
    options
}

/// The numbers of the events that a viewer gets, until its end.
fn listen(mut messages: Messages) -> JoinHandle<Vec<u32>> {
    tokio::spawn(async move {
        let (mut events, mut last) = (Vec::new(), None);
        while let Some(heard) = messages.next().await {
            match heard {
                Heard::State { reset, state } => {
                    assert_eq!((reset, last), (None, None), "the state comes once");
                    last = Some(state.seq().get());
                }
                Heard::Message(message) => {
                    let seq = message.seq().map(|seq| seq.get());
                    assert_eq!(seq, last.map(|last| last + 1), "each message once and in order");
                    last = seq;
                    if message.key() == "bell" {
                        events.push(message.parse::<(u32,)>().unwrap().0);
                    }
                }
                // Of values only the newest may come, on a busy machine.
                Heard::Skipped { through } => last = Some(through.get()),
                _ => {}
            }
        }
        events
    })
}

#[tokio::test]
async fn cuts_kills_and_a_takeover_cost_no_viewer_anything() {
    let name = format!("rtbroadcaster-remote-{}", std::process::id());
    let directory = Directory(std::env::temp_dir().join(name));
    let mut server = directory.server().await;
    let relay = Relay::open(server.address).await;
    let create = Owner::create_with(&relay.url, RoomOptions::new(), options());
    let mut owner = soon("the room", create).await.unwrap();
    let mut viewers = Vec::new();
    for _ in 0..3 {
        let viewer = Viewer::join_with(&relay.url, owner.room(), options()).unwrap();
        let listening = listen(viewer.messages());
        soon("a viewer's coming", viewer.inside()).await.unwrap();
        viewers.push((viewer, listening));
    }
    let (mut number, mut tickets, mut acked, mut events) = (0, Vec::new(), 0, Vec::new());
    for cut in 0..CUTS {
        for _ in 0..MESSAGES {
            number += 1;
            let key = format!("key {}", number % 7);
            let is_event = number % 3 == 0;
            events.extend(is_event.then_some(number));
            let message = if is_event { Message::event("bell", [number]) } else { Message::state(&key, [number]) };
            tickets.push(owner.send(message).await.unwrap());
        }
        relay.cut();
        if KILLED_AFTER.contains(&cut) {
            server.signal("KILL").await;
            server.exit().await;
            server = directory.server().await;
            *relay.target.lock().unwrap() = server.address;
        }
        if cut == TAKEN_OVER_AFTER {
            for ticket in tickets.drain(..) {
                acked += 1;
                assert_eq!(soon("an ack", ticket).await.unwrap().get(), acked);
            }
            let own = Owner::own_with(&relay.url, owner.room(), owner.key().clone(), options());
            let next = soon("the takeover", own).await.unwrap();
            assert_eq!(next.state(), owner.state());
            let stale = soon("the refusal", owner.publish(Message::event("bell", [0]))).await;
            assert_eq!(stale, Err(PublishError::Fenced));
            owner = next;
        }
    }
    for ticket in tickets {
        acked += 1;
        assert_eq!(soon("an ack", ticket).await.unwrap().get(), acked);
    }
    assert_eq!(acked, u64::from(CUTS * MESSAGES));
    for (viewer, _) in &viewers {
        let mut state = viewer.watch_state();
        soon("the last message", state.wait_for(|state| state.seq().get() == acked)).await.unwrap();
        assert_eq!(viewer.state(), owner.state());
    }
    soon("the room's end", owner.close()).await.unwrap();
    for (_, listening) in viewers {
        assert_eq!(soon("a viewer's end", listening).await.unwrap(), events);
    }
}
