//! A load balancer before the nodes: each of its addresses prefers one node, and takes another one while that is not
//! ready. Must not know what it carries.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{NODES, Urls};
use crate::steps::Failure;

/// The time between two looks whether a node is ready, and the most time of one.
const LOOK: Duration = Duration::from_millis(300);
const ANSWER: Duration = Duration::from_millis(700);

/// The most time until all nodes are ready.
const START: Duration = Duration::from_secs(30);

/// The connections that may wait to be accepted.
const BACKLOG: u32 = 4_096;

/// Which nodes are ready.
type Ready = watch::Receiver<[bool; NODES]>;

/// Opens the balancer before these nodes.
pub(super) async fn open(nodes: [SocketAddr; NODES]) -> Result<Urls, Failure> {
    let (told, mut ready) = watch::channel([false; NODES]);
    let told = Arc::new(told);
    for (number, node) in nodes.into_iter().enumerate() {
        let told = Arc::clone(&told);
        tokio::spawn(async move {
            loop {
                let is_ready = get(node, "/readyz").await.is_some_and(|answer| answer.starts_with("HTTP/1.1 200"));
                told.send_modify(|ready| ready[number] = is_ready);
                sleep(LOOK).await;
            }
        });
    }
    let mut urls = Vec::new();
    for number in 0..NODES {
        let failed = |error: std::io::Error| Failure::new(format!("the balancer: {error}"));
        let socket = TcpSocket::new_v4().map_err(failed)?;
        socket.bind(([127, 0, 0, 1], 0).into()).map_err(failed)?;
        let listener = socket.listen(BACKLOG).map_err(failed)?;
        urls.push(format!("ws://{}/broadcasting", listener.local_addr().map_err(failed)?));
        tokio::spawn(serve(listener, nodes, number, ready.clone()));
    }
    let all_ready = timeout(START, ready.wait_for(|ready| ready.iter().all(|ready| *ready))).await;
    all_ready.is_ok_and(|ready| ready.is_ok()).then(|| urls.into()).ok_or_else(|| Failure::new("a node is not ready"))
}

async fn serve(listener: TcpListener, nodes: [SocketAddr; NODES], preferred: usize, ready: Ready) {
    loop {
        let Ok((mut client, _)) = listener.accept().await else { continue };
        let ready = *ready.borrow();
        let order = (0..NODES).map(|step| (preferred + step) % NODES).filter(|node| ready[*node]);
        let order: Vec<_> = order.map(|node| nodes[node]).collect();
        tokio::spawn(async move {
            for node in order {
                if let Ok(Ok(mut server)) = timeout(ANSWER, TcpStream::connect(node)).await {
                    let _ = (client.set_nodelay(true), server.set_nodelay(true));
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                    return;
                }
            }
        });
    }
}

/// Gets a document by HTTP; `None` without an answer in time.
pub(super) async fn get(address: SocketAddr, path: &str) -> Option<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    };
    timeout(ANSWER, exchange).await.ok().flatten()
}
