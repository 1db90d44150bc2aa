//! A TLS session between a lane and a client task, over real sockets.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::socket::LaneSocket;
use crate::socket::pairs::secured;

/// What anything may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// What a record holds beside the plaintext, and more.
const OVERHEAD: usize = 256;

async fn pair() -> (Box<TlsSocket>, TlsStream<TcpStream>) {
    let (LaneSocket::Tls(server), peer) = secured::pair().await else { unreachable!("it is over TLS") };
    (server, peer)
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl TlsSocket {
    /// How many bytes are encrypted and not sent; they are gone then.
    fn take_ciphertext(&self) -> usize {
        let mut ciphertext = Vec::new();
        let mut session = self.session.lock().unwrap();
        while session.connection.wants_write() {
            session.connection.write_tls(&mut ciphertext).unwrap();
        }
        ciphertext.len()
    }
}

#[tokio::test]
async fn a_lane_writes_at_once_and_leaves_the_client_task_alone() {
    let (server, mut peer) = pair().await;
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    assert!(server.poll_flush(&mut Context::from_waker(&waker)).is_ready());
    assert_eq!(server.try_send(b"at once"), 7);
    let mut came = [0; 7];
    timeout(DEADLINE, peer.read_exact(&mut came)).await.unwrap().unwrap();
    assert_eq!(&came, b"at once");
    assert_eq!(woken.0.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_lane_takes_nothing_while_the_client_task_has_the_session() {
    let (server, _peer) = pair().await;
    let session = server.session.lock().unwrap();
    assert_eq!(server.try_send(b"later"), 0);
    drop(session);
    assert_eq!(server.try_send(b"now"), 3);
}

#[tokio::test]
async fn at_most_one_record_is_encrypted_ahead_and_the_client_task_sends_the_rest_of_it() {
    let (server, mut peer) = pair().await;
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    assert!(server.poll_flush(&mut Context::from_waker(&waker)).is_ready());
    let piece: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut sent = Vec::new();
    loop {
        let taken = server.try_send(&piece);
        sent.extend_from_slice(&piece[..taken]);
        if taken < piece.len() {
            break;
        }
        assert!(sent.len() < 100_000_000, "the peer does not read, and the socket takes everything");
    }
    assert_eq!(woken.0.load(Ordering::Relaxed), 1, "something encrypted is left behind");
    assert_eq!(server.try_send(b"more"), 0, "ciphertext waits");
    assert!(server.poll_write(&mut Context::from_waker(&waker), &[IoSlice::new(b"more")]).is_pending());
    let reading = tokio::spawn(async move {
        let mut came = Vec::new();
        timeout(DEADLINE, peer.read_to_end(&mut came)).await.unwrap().unwrap();
        came
    });
    timeout(DEADLINE, poll_fn(|cx| server.poll_flush(cx))).await.unwrap().unwrap();
    timeout(DEADLINE, poll_fn(|cx| server.poll_shutdown(cx))).await.unwrap().unwrap();
    assert!(reading.await.unwrap() == sent, "other bytes have come");
}

#[tokio::test]
async fn what_is_encrypted_ahead_is_bounded_for_a_client_task_too() {
    let (server, _peer) = pair().await;
    let piece = vec![7; 40_000];
    let context = &mut Context::from_waker(Waker::noop());
    let slices = [IoSlice::new(&piece[..10_000]), IoSlice::new(&piece[10_000..])];
    let mut writes = 0;
    while let Poll::Ready(taken) = server.poll_write(context, &slices) {
        assert!((1..=RECORD_BYTES_MAX).contains(&taken.unwrap()));
        writes += 1;
        assert!(writes < 10_000, "the peer does not read, and the socket takes everything");
    }
    let ahead = server.take_ciphertext();
    assert!((1..=RECORD_BYTES_MAX + OVERHEAD).contains(&ahead), "{ahead} bytes are encrypted ahead");
}

#[tokio::test]
async fn keys_change_in_the_middle_and_what_a_read_wants_to_say_is_said() {
    let (server, mut peer) = pair().await;
    let server: Arc<TlsSocket> = server.into();
    let client = Arc::clone(&server);
    let task = tokio::spawn(async move {
        let mut came = Vec::new();
        let mut buffer = [0; 1_000];
        loop {
            let read = poll_fn(|cx| client.poll_read(cx, &mut buffer)).await?;
            if read == 0 {
                return io::Result::Ok(came);
            }
            came.extend_from_slice(&buffer[..read]);
        }
    });
    let mut heard = 0;
    for round in 0..50_u8 {
        peer.get_mut().1.refresh_traffic_keys().unwrap();
        peer.write_all(&[round; 100]).await.unwrap();
        peer.flush().await.unwrap();
        // As a lane does that finds the session taken, or ciphertext before it: once more, later.
        while server.try_send(&[round; 300]) == 0 {
            tokio::task::yield_now().await;
        }
        let mut answer = [0; 300];
        timeout(DEADLINE, peer.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(answer, [round; 300]);
        heard += 1;
    }
    peer.shutdown().await.unwrap();
    let came = timeout(DEADLINE, task).await.unwrap().unwrap().unwrap();
    assert_eq!((heard, came), (50, (0..50_u8).flat_map(|round| [round; 100]).collect()));
}

#[tokio::test]
async fn a_peer_that_breaks_the_session_is_told_by_an_alert() {
    let (server, peer) = pair().await;
    let (mut tcp, mut session) = peer.into_inner();
    // A record of application data that no key has made.
    tcp.write_all(&[&[23, 3, 3, 0, 32][..], &[0; 32]].concat()).await.unwrap();
    let mut buffer = [0; 100];
    let read = timeout(DEADLINE, poll_fn(|cx| server.poll_read(cx, &mut buffer))).await.unwrap();
    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidData);
    drop(server);
    let mut came = Vec::new();
    timeout(DEADLINE, tcp.read_to_end(&mut came)).await.unwrap().unwrap();
    session.read_tls(&mut &came[..]).unwrap();
    let error = session.process_new_packets().unwrap_err();
    assert!(matches!(error, tokio_rustls::rustls::Error::AlertReceived(_)), "{error}");
}

#[tokio::test]
async fn a_session_that_a_panic_left_half_changed_ends() {
    let (server, _peer) = pair().await;
    let broken = crate::fault::catch("a test", &crate::metrics::Counters::idle(), || {
        let _session = server.session.lock().unwrap();
        panic!("a test wants this");
    });
    assert!(broken.is_err());
    assert_eq!(server.try_send(b"never"), 0);
    let context = &mut Context::from_waker(Waker::noop());
    assert!(matches!(server.poll_flush(context), Poll::Ready(Err(_))));
    assert!(matches!(server.poll_read(context, &mut [0; 10]), Poll::Ready(Err(_))));
}
